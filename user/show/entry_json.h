/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The JSON of bans, clients, offences, groups and places, for all commands. */
#ifndef SMTPXDP_ENTRY_JSON_H
#define SMTPXDP_ENTRY_JSON_H

#include <jansson.h>

#include "client.h"
#include "groups.h"
#include "history.h"
#include "lists/banlist.h"
#include "lists/geo.h"
#include "maps/ban_claims.h"
#include "settings.h"

/*
 * {net, expires_in, banned_at, reason, failures, dropped_packets, ..., owner,
 * others}; `claims` has those of all others who want bans.
 */
json_t *ban_json(const struct pins *p, const struct ban_row *row,
		 const struct ban_claims *claims, const struct clock_pair *now);

/* {offences, last_ban_ends, forgotten_at}, or null if there are none. */
json_t *history_json(const struct pins *p, const struct history *h);

/* Seconds that the client's next ban would last. */
uint32_t next_ban_time(const struct pins *p, enum policy_kind kind,
		       const struct history *h);

/*
 * {net, failures, in_window, last_code, last_seen, banned, successes, users,
 * kind}
 */
json_t *client_json(const struct pins *p, const struct net *client,
		    const struct client *c, const struct clock_pair *now);

/* {name, net, by, source} of the entry that holds for a host. */
json_t *group_json(const struct pins *p, const struct net *host,
		   const struct group_entry *e);

/* {networks: {group: how many}, sources: [{group, by, source, networks, since,
 * failed}]} of the groups in force */
json_t *groups_json(const struct pins *p);

/* "DE", or null; {number, name}, or null. */
json_t *country_json(const struct geo_place *at);
json_t *as_json(const struct geo_place *at);

/* Failures that were not counted, of an address that is never banned. */
struct exempt;
json_t *exempt_json(const struct net *host, const struct exempt *e);

/* Of a client from which many accounts log in (fronts.h); null: of another. */
json_t *front_json(const struct pins *p, const struct net *client,
		   const struct clock_pair *now);

#endif

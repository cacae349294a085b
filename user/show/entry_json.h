/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map entries as the JSON objects that several commands print. */
#ifndef SMTPXDP_ENTRY_JSON_H
#define SMTPXDP_ENTRY_JSON_H

#include <jansson.h>

#include "lists/banlist.h"
#include "client.h"
#include "history.h"
#include "settings.h"

struct ban_listing {
	const struct pins *p;
	json_t *rows;
	struct clock_pair now;
};

/* {net, expires_in, banned_at, reason, failures, dropped_packets, ...} */
json_t *ban_json(const struct pins *p, const struct ban_row *row,
		 const struct clock_pair *now);

/* {offences, last_ban_ends, forgotten_at}, or null if there are none. */
json_t *history_json(const struct pins *p, const struct history *h);

/* Seconds that the client's next ban would last. */
uint32_t next_ban_time(const struct pins *p, enum policy_kind kind,
		       const struct history *h);

/*
 * {net, failures, in_window, last_code, last_seen, banned, successes, users,
 * kind}
 */
json_t *client_json(const struct pins *p, const struct addr *key,
		    const struct client *c, const struct clock_pair *now);

#endif

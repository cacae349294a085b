/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The allowlist: which entries map allow_nets gets from commands, from the key
 * `allow` and from this host, and what they mean for bans. Writers hold the
 * writers' lock.
 */
#ifndef SMTPXDP_ALLOWLIST_H
#define SMTPXDP_ALLOWLIST_H

#include "config/config.h"
#include "maps/allow_map.h"

/* Adds flags to a network's entry, or takes them away: then -ENOENT if the
 * entry has none of them. */
int allowlist_add(struct pins *p, const struct net *net, __u32 flags);
int allowlist_del(struct pins *p, const struct net *net, __u32 flags);

/* Makes the entries of the key `allow` as it says; lifts the bans within. */
int allowlist_sync_config(struct pins *p, const struct config *c);

/* The same for the proxies: see groups_plan.c. */
int allowlist_sync_proxies(struct pins *p, const struct net *nets, size_t n);

/* The same for the names' addresses, but no ban is lifted: see allow_names.h. */
int allowlist_sync_names(struct pins *p, const struct net *nets, size_t n);

/*
 * The same for this host's addresses, its gateways and loopback. Only for a
 * process in the daemon's network namespace: a command may run in another.
 */
int allowlist_sync_host(struct pins *p);

/*
 * Lifts every ban within these networks, in one walk; returns how many, or
 * -errno.
 */
int allowlist_lift(struct pins *p, const struct net *nets, size_t n);

/*
 * Does an entry object to a ban of `net`? Returns its flags, and the entry in
 * *entry; or 0. An entry made by an admin objects only where it contains all of
 * `net`: a wider ban leaves its hosts out by itself; a proxy also objects to a
 * ban of the one client that it would be.
 */
__u32 allowlist_objects(const struct pins *p, const struct net *net,
			struct net *entry);

/*
 * The longest entry that contains a network's first address: returns its flags,
 * or 0.
 */
__u32 allowlist_find(const struct pins *p, const struct net *net,
		     struct net *entry);

/* The maker of an entry: "command", "config", "proxies", "name",
 * "this host", "gateway". */
const char *allow_origin(__u32 flags);

#endif

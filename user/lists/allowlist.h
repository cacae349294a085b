/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The allowlist: map allow_nets. Writers hold the writers' lock. */
#ifndef SMTPXDP_ALLOWLIST_H
#define SMTPXDP_ALLOWLIST_H

#include "ban.h"
#include "config/config.h"
#include "maps/pins.h"

typedef int (*allow_row_fn)(const struct net *net, __u32 flags, void *ctx);
int allowlist_each(const struct pins *p, allow_row_fn fn, void *ctx);

/* The flags (enum allow_flags) of exactly this network's entry, or 0. */
__u32 allowlist_get(const struct pins *p, const struct net *net);

/* Their networks alone, to be freed, also after an error. */
int allowlist_nets(const struct pins *p, struct net **nets, size_t *n);

/* Adds or takes away flags (enum allow_flags) of a network. -ENOENT. */
int allowlist_add(struct pins *p, const struct net *net, __u32 flags);
int allowlist_del(struct pins *p, const struct net *net, __u32 flags);

/* Makes the entries by the key `allow` what it says; lifts bans within. */
int allowlist_sync_config(struct pins *p, const struct config *c);

/*
 * The same for this host's addresses, its gateways and loopback: by the
 * daemon, whose network namespace it is. A command may run in another.
 */
int allowlist_sync_host(struct pins *p);

/* Lifts every ban within a network; returns how many, or -errno. */
int allowlist_lift(struct pins *p, const struct net *net);

/*
 * Who would object to a ban of `net`: flags of an entry that overlaps with it,
 * in *entry. Those that an admin made count only where they contain all of
 * it; wider bans leave them out by themselves.
 */
__u32 allowlist_objects(const struct pins *p, const struct net *net,
			struct net *entry);

/* The longest entry that contains an address: its flags, or 0. */
__u32 allowlist_find(const struct pins *p, const struct addr *a,
		     struct net *entry);

/* The same flags, by one lookup. */
__u32 allowlist_flags(const struct pins *p, const struct addr *a);

/* "command", "config", "this host", "gateway". */
const char *allow_origin(__u32 flags);

#endif

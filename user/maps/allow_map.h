/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map allow_nets: the networks on the allowlist, and by whom each one was put
 * there (enum allow_flags). Writers hold the writers' lock.
 */
#ifndef SMTPXDP_ALLOW_MAP_H
#define SMTPXDP_ALLOW_MAP_H

#include "ban.h"
#include "maps/pins.h"

/* Calls fn for every entry; stops where fn is not 0, and returns that. */
typedef int (*allow_map_fn)(const struct net *net, __u32 flags, void *ctx);
int allow_map_each(const struct pins *p, allow_map_fn fn, void *ctx);

/* All networks. *nets is to be freed, also after an error. -ENOMEM. */
int allow_map_nets(const struct pins *p, struct net **nets, size_t *n);

/* The flags of exactly this network's entry, or 0. */
__u32 allow_map_get(const struct pins *p, const struct net *net);

/* The flags of the longest entry that contains this network, or 0: a lookup. */
__u32 allow_map_around(const struct pins *p, const struct net *net);

/* Writes an entry; flags 0 remove it. -errno. */
int allow_map_put(struct pins *p, const struct net *net, __u32 flags);

#endif

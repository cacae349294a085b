/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map ban_nets, longest prefix: the bans of networks that are no client; and
 * the filter in front of it (include/settings.h). lists/banlist.h decides which
 * map a ban belongs to.
 */
#ifndef SMTPXDP_BAN_NETS_H
#define SMTPXDP_BAN_NETS_H

#include "maps/ban_map.h"
#include "maps/pins.h"

/* fn may remove the row that it is called with. */
int ban_nets_each(const struct pins *p, ban_row_fn fn, void *ctx);

/* -E2BIG: the map is full. */
int ban_nets_put(struct pins *p, const struct net *net, const struct ban *b);

/* -ENOENT */
int ban_nets_del(struct pins *p, const struct net *net);
int ban_nets_get(const struct pins *p, const struct net *net, struct ban *b);

/* The ban of the longest network that holds for a host now. -ENOENT. */
int ban_nets_find(const struct pins *p, const struct net *host,
		  const struct clock_pair *now, struct ban_row *row);

/* Makes the filter anew if networks have gone. The caller holds the writers'
 * lock. */
int ban_nets_tidy(struct pins *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bans of networks that are no client: map ban_nets, longest prefix, and
 * the filter in front of it (include/settings.h). For banlist.c only.
 */
#ifndef SMTPXDP_BAN_NETS_H
#define SMTPXDP_BAN_NETS_H

#include "lists/banlist.h"

int ban_nets_each(const struct pins *p, ban_row_fn fn, void *ctx);

/* -E2BIG: the map is full. */
int ban_nets_put(struct pins *p, const struct net *net, const struct ban *b);

/* -ENOENT */
int ban_nets_del(struct pins *p, const struct net *net);
int ban_nets_get(const struct pins *p, const struct net *net, struct ban *b);

/* The longest of the networks that hold for an address; -ENOENT. */
int ban_nets_find(const struct pins *p, const struct addr *a,
		  const struct clock_pair *now, struct ban_row *row);

/* Makes the filter anew if networks have gone. */
int ban_nets_tidy(struct pins *p);

#endif

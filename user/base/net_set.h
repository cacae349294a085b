/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A set of networks, quickly searched for overlaps with another one. Pure. */
#ifndef SMTPXDP_NET_SET_H
#define SMTPXDP_NET_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

struct net_set {
	struct net *nets; /* sorted; none within another */
	size_t n;
};

/* Takes over the array, which is from malloc(), sorts it, and drops networks
 * that are within another. */
void net_set_init(struct net_set *s, struct net *nets, size_t n);
void net_set_free(struct net_set *s);

/* Does any network of the set contain this one? */
bool net_set_contains(const struct net_set *s, const struct net *net);

/* Does any network of the set contain this one, or lie within it? */
bool net_set_overlaps(const struct net_set *s, const struct net *net);

#endif

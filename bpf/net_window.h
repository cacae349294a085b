/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Networks in which many different clients fail: net-rate. A network's window
 * is a client's (window.h), whose failures are clients.
 *
 * A client counts when it fails and has not counted within the time of
 * net-rate: so no client that is remembered (max-clients) counts twice within
 * it, and a network is not taken for worse than it is. The other way there is an error: a client that counted
 * once does so again only with its first failure after that time, so that of
 * one which fails all the time, a moment at its end is missed. Clients that
 * have logged in before do not count: they are people who mistype.
 */
#ifndef SMTPXDP_NET_WINDOW_H
#define SMTPXDP_NET_WINDOW_H

#include "maps.h"
#include "pure/window.h"

/* Does the client count for its network, with a failure at this tick? */
static __always_inline bool net_counts(struct client *c, __u32 tick,
				       const struct limit *rate)
{
	__u32 was = *(volatile __u32 *)&c->net_counted;

	if (was && window_age_fits(was >> 1, tick, rate->ticks))
		return false;
	/* Of its failures on several CPUs at once, one does. */
	return __sync_val_compare_and_swap(&c->net_counted, was,
					   tick << 1 | 1) == was;
}

#endif

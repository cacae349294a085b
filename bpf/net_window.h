/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * net-rate: networks in which many different clients fail. A network's window
 * is a client's (pure/window.h) that logs failing clients.
 *
 * A client counts for its network when it fails and has not counted within the
 * time of net-rate; so no client in map clients counts twice within it. Error,
 * on the lenient side: a client that fails all the time counts again only with
 * its first failure after that time, and is missing from the window until then.
 * Slips of who logs in (regular.h) do not count. Likewise as-rate: as_rate.h.
 */
#ifndef SMTPXDP_NET_WINDOW_H
#define SMTPXDP_NET_WINDOW_H

#include "maps.h"
#include "pure/window.h"

/*
 * Does a failure at this tick count the client for its network? Then that is
 * noted in the client's net_counted (of its AS: as_counted).
 */
static __always_inline bool net_counts(__u32 *counted, __u32 tick,
				       const struct limit *rate)
{
	__u32 was = *(volatile __u32 *)counted;

	if (was && window_age_fits(was >> 1, tick, rate->ticks))
		return false;
	/* Of failures on several CPUs at once, one counts. */
	return __sync_val_compare_and_swap(counted, was, tick << 1 | 1) == was;
}

#endif

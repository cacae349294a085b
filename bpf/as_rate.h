/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * as-rate: the clients of one AS of rated-asns, counted as those of a network
 * are (net_window.h), with a window of their own. A whole AS is never banned;
 * while it is over the rate, each of its clients is at its first failure.
 */
#ifndef SMTPXDP_AS_RATE_H
#define SMTPXDP_AS_RATE_H

#include "account_window.h"
#include "entry.h"
#include "event_begin.h"
#include "group.h"
#include "net_window.h"
#include "now.h"
#include "regular.h"
#include "sighting.h"

/* Tells the daemon that an AS is over its rate, unless that was done. */
static __always_inline void as_crossed(const struct settings *s,
				       struct client *as,
				       const struct sighting *at, __u64 now)
{
	__u64 was = *(volatile __u64 *)&as->until;
	__u64 until = now + ((__u64)s->as.ticks << s->tick_shift);
	struct event *e;

	if (now < was ||
	    __sync_val_compare_and_swap(&as->until, was, until) != was)
		return;
	count(COUNTER_AS_CROSSED, 0);
	e = event_of(EVENT_AS, at, s->as.failures, s->as.sec);
	if (e)
		bpf_ringbuf_submit(e, 0);
}

/*
 * Counts a failing client for its AS. Returns 1 if that is over as-rate. Not
 * inlined, and global: less stack, and verified once.
 */
__noinline __weak int as_failure(const struct settings *s,
				 const struct sighting *at, struct client *c)
{
	const struct group_entry *g;
	__u32 tick, ticket;
	struct client *as;
	struct addr key;
	__u64 now;

	if (!s || !at || !c)
		return 0;
	g = group_entry_of(s, &at->peer);
	if (!g || !g->asn)
		return 0;
	client_of(s, &at->peer, &key);
	if (is_slip(&key, at->tried.hash))
		return 0;
	as_key(g->asn, &key);
	as = entry_get(&nets, &key, ADDR_BITS);
	if (!as)
		return 0;
	now = now_jiffies();
	tick = window_tick(now, s->tick_shift);
	__sync_fetch_and_add(&as->failures, 1);
	as->last_seen = now;
	as->last_code = at->code;
	if (net_counts(&c->as_counted, tick, &s->as))
		ticket = window_add(as, tick);
	else
		ticket = *(volatile __u32 *)&as->head - 1;
	if (!window_reached(as, ticket, tick, &s->as, as->spent))
		return 0;
	count(COUNTER_AS_FAILURE, 0);
	as_crossed(s, as, at, now);
	return 1;
}

#endif

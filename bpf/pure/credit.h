/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * success-credit: what a client's successful logins do for its failures. Pure:
 * see reply.h.
 *
 * An attacker with one account of his own must not be able to clear his
 * failures for ever. So
 * - CREDIT_RESET forgives once in the time of the rate: less than twice `rate`
 *   failures fit into that time;
 * - CREDIT_RATIO never covers RATE_MAX failures in that time;
 * - slow-rate ignores credit.
 */
#ifndef SMTPXDP_CREDIT_H
#define SMTPXDP_CREDIT_H

#include "pure/users.h"

/*
 * Logs a success; with CREDIT_RESET, forgives the failures so far. `tick` is
 * the tick of `jiffies`.
 */
static inline void credit_add(struct client *c, const struct settings *s,
			      __u64 jiffies, __u32 tick)
{
	__u32 n = __sync_fetch_and_add(&c->success_head, 1);
	__u64 from = *(volatile __u64 *)&c->forgives_from;
	__u32 ticks = s->policy[POLICY_PLAIN].rate.ticks;
	__u32 own = s->policy[c->policy % POLICIES_MAX].rate.ticks;
	__u64 next = jiffies + ((__u64)((own > ticks ? own : ticks) + 1)
				<< s->tick_shift);

	*(volatile __u32 *)&c->success_log[n % SUCCESS_SLOTS] = tick;
	if (s->credit != CREDIT_RESET || jiffies < from ||
	    __sync_val_compare_and_swap(&c->forgives_from, from, next) != from)
		return;
	*(volatile __u32 *)&c->forgiven = *(volatile __u32 *)&c->head;
	users_forget(c);
}

/* How many of the last SUCCESS_SLOTS successes lie within the last `ticks`. */
static inline __u32 credit_count(const struct client *c, __u32 tick,
				 __u32 ticks)
{
	__u32 head = *(volatile const __u32 *)&c->success_head, n = 0;

	for (__u32 i = 1; i <= SUCCESS_SLOTS && i <= head; i++)
		n += window_age_fits(c->success_log[(head - i) % SUCCESS_SLOTS],
				     tick, ticks);
	return n;
}

/*
 * With CREDIT_RATIO: do the client's successes within the rate's time make up
 * for its failures?
 */
static inline bool credit_covers(const struct client *c,
				 const struct settings *s,
				 const struct limit *rate, __u32 tick)
{
	__u32 failures;

	if (s->credit != CREDIT_RATIO)
		return false;
	failures = window_count(c, tick, rate->ticks);
	return failures < RATE_MAX &&
	       failures <= s->credit_ratio * credit_count(c, tick, rate->ticks);
}

#endif

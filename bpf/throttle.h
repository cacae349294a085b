/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * throttle-texts: replies by which a server says that it judges no more logins
 * of this client for a while. Postfix says "454 ... Connection lost to
 * authentication server" when Dovecot makes a guesser wait longer than Postfix
 * does; Dovecot has checked the password all the same.
 *
 * When the password database is down, everybody gets the same words. So such a
 * reply counts only of a client that was refused within the time of the rate,
 * and of nobody for as long behind one that was not earned: to a client that
 * has never failed.
 */
#ifndef SMTPXDP_THROTTLE_H
#define SMTPXDP_THROTTLE_H

#include "maps.h"
#include "now.h"
#include "pure/window.h"

/* Did this happen, at that tick << 1 | 1 or 0 (never), within the rate's time? */
static __always_inline bool is_recent(const struct settings *s, __u32 then,
				      __u32 tick)
{
	return then && window_age_fits(then >> 1, tick,
				       s->policy[POLICY_PLAIN].rate.ticks);
}

/* Does such a reply to `peer` count as a failed login? */
static __noinline __attribute__((unused)) int
throttle_counts(const struct settings *s, const struct addr *peer)
{
	__u32 tick = window_tick(now_jiffies(), s->tick_shift), zero = 0;
	struct throttle *t = bpf_map_lookup_elem(&throttle, &zero);
	const struct client *c;
	struct addr key;

	if (!t)
		return 0;
	client_of(s, peer, &key);
	c = bpf_map_lookup_elem(&clients, &key);
	if (!c || !c->failures) {
		t->unearned = tick << 1 | 1;
		count(COUNTER_UNEARNED, 0);
		return 0;
	}
	return is_recent(s, c->refused, tick) &&
	       !is_recent(s, t->unearned, tick);
}

#endif

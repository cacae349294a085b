/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Refusals that say nothing of a password: which of them count?
 *
 * throttle-texts: replies by which a server says that it judges no more logins
 * of this client for a while. Postfix says "454 ... Connection lost to
 * authentication server" when Dovecot makes a guesser wait longer than Postfix
 * does; Dovecot has checked the password all the same.
 *
 * When the password database is down, everybody gets the same words. So such a
 * reply counts only of a client that was refused within the time of the rate,
 * and of nobody for as long behind one that was not earned: to a client that
 * has never failed. That is not known of who is allowed, and whose failures are
 * not counted; nor where somebody else of the IPv6 /48 has failed, of which
 * Dovecot makes each client wait.
 *
 * unasked-texts: refusals of an AUTH that was not offered. No password is
 * checked, but programs that read what is offered say none. A password that was
 * said all the same is a guess, if it is a new one (pure/guesses.h); where none
 * was read, as in AUTH LOGIN, there is none.
 */
#ifndef SMTPXDP_THROTTLE_H
#define SMTPXDP_THROTTLE_H

#include "banning.h"
#include "group.h"
#include "maps.h"
#include "now.h"
#include "pure/reply.h"
#include "pure/window.h"
#include "sighting.h"

/* Did this happen, at that tick << 1 | 1 or 0 (never), within the rate's time? */
static __always_inline bool is_recent(const struct settings *s, __u32 then,
				      __u32 tick)
{
	return then && window_age_fits(then >> 1, tick,
				       s->policy[POLICY_PLAIN].rate.ticks);
}

/* Has somebody else of its /48 failed? */
static __always_inline bool neighbour_failed(const struct addr *peer)
{
	const struct client *n;
	struct addr block = *peer; /* Linux 6.1 wants it to be set */

	if (addr_is_v4(peer))
		return false;
	net_block_of(peer, &block);
	n = bpf_map_lookup_elem(&nets, &block);
	return n && n->failures;
}

/* May a client that has never failed have earned such a reply? */
static __always_inline bool may_have_earned(const struct settings *s,
					    const struct addr *peer)
{
	int group = group_of(s, peer);

	return group == GROUP_PROXY || group == GROUP_ALLOW ||
	       peer_allowed(s, peer) || neighbour_failed(peer);
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
		if (may_have_earned(s, peer))
			return 0;
		t->unearned = tick << 1 | 1;
		count(COUNTER_UNEARNED, 0);
		return 0;
	}
	return is_recent(s, c->refused, tick) &&
	       !is_recent(s, t->unearned, tick);
}

/*
 * Does a refusal count as a failed login? `whole`: the reply came when the
 * client had sent all of the login.
 */
static __always_inline bool refusal_counts(const struct settings *s,
					   enum reply_verdict v, bool whole,
					   const struct sighting *at)
{
	if (v == REPLY_THROTTLED)
		return whole && throttle_counts(s, &at->peer);
	return v != REPLY_UNASKED || at->tried.guess;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a client's failures look like, by what it is therefore measured, and
 * whether it has reached that. Pure: see reply.h.
 */
#ifndef SMTPXDP_JUDGEMENT_H
#define SMTPXDP_JUDGEMENT_H

#include "pure/credit.h"
#include "event.h"
#include "groups.h"
#include "pure/users.h"

/* What a client is measured by, and what comes out. */
struct judgement {
	__u32 failures; /* that are too many, */
	__u32 sec; /* in so much time */
	__u32 ban_sec;
	__u8 kind; /* enum policy_kind: which policy */
	__u8 offender; /* enum offender */
	__u8 users;
};

/* (The verifier does not know what a function has put into `kind`.) */
static inline const struct policy *policy_of(const struct settings *s,
					     const struct judgement *j)
{
	__u32 kind = j->kind;

	return &s->policy[kind < POLICIES_MAX ? kind : POLICY_PLAIN];
}

/* Where nobody says how many users are more than people mistype. */
#define ATTACK_USERS 3

static inline enum offender offender_of(const struct settings *s,
					const struct client *c, __u32 users,
					__u32 tick)
{
	__u32 ticks = s->policy[POLICY_PLAIN].rate.ticks;

	if (users >= (s->attack_users ? s->attack_users : ATTACK_USERS))
		return OFFENDER_ATTACK;
	return users == 1 && !users_unknown(c, tick, ticks) ? OFFENDER_STALE :
							      OFFENDER_UNKNOWN;
}

/*
 * Who is in a group has its rate. Of all others, who tries but one user, also
 * over the longer time in which that is counted, has a rate of his own. What is
 * not known is no excuse.
 */
PURE_FUNCTION int choose_policy(const struct settings *s,
				const struct client *c, __u32 tick, int group,
				struct judgement *j)
{
	const struct limit *stale;

	if (!s || !c || !j)
		return 0;
	stale = &s->policy[POLICY_STALE].rate;
	j->users = users_count(c, tick, s->policy[POLICY_PLAIN].rate.ticks);
	j->offender = offender_of(s, c, j->users, tick);
	j->kind = POLICY_PLAIN;
	if (group == GROUP_STRICT)
		j->kind = POLICY_STRICT;
	else if (group == GROUP_LENIENT)
		j->kind = POLICY_LENIENT;
	else if (stale->failures && j->offender == OFFENDER_STALE &&
		 users_count(c, tick, stale->ticks) == 1 &&
		 !users_unknown(c, tick, stale->ticks))
		j->kind = POLICY_STALE;
	return 0;
}

/* Does this failure reach a limit? Then j says how many are too many. */
PURE_FUNCTION int limit_reached(const struct settings *s,
				const struct client *c, __u32 ticket,
				__u32 tick, struct judgement *j)
{
	const struct limit *rate;

	if (!s || !c || !j)
		return false;
	rate = &policy_of(s, j)->rate;
	j->sec = rate->sec;
	if (!credit_covers(c, s, rate, tick)) {
		if (window_reached(c, ticket, tick, rate, window_from(c))) {
			j->failures = rate->failures;
			return true;
		}
		/* Of a whole office, many have a new password. */
		if (s->attack_users && j->kind != POLICY_LENIENT &&
		    j->users >= s->attack_users) {
			j->failures = window_count(c, tick, rate->ticks);
			return true;
		}
	}
	/* And a phone with an old one tries day and night. */
	if (!s->slow.failures || j->kind == POLICY_STALE ||
	    j->kind == POLICY_LENIENT ||
	    !window_reached(c, ticket, tick, &s->slow, c->spent))
		return false;
	j->failures = s->slow.failures;
	j->sec = s->slow.sec;
	return true;
}

#endif

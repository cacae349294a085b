/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges a client's failures: which policy measures the client, and whether a
 * limit is reached. Pure: see reply.h.
 */
#ifndef SMTPXDP_JUDGEMENT_H
#define SMTPXDP_JUDGEMENT_H

#include "pure/credit.h"
#include "event.h"
#include "groups.h"
#include "pure/guesses.h"
#include "pure/users.h"

/* A judgement on one failure. */
struct judgement {
	__u32 failures; /* failures that reached the limit */
	__u32 sec; /* seconds within which those failures came */
	__u32 ban_sec; /* seconds of the ban */
	__u8 kind; /* enum policy_kind */
	__u8 offender; /* enum offender */
	__u8 users; /* users tried within the rate's time, up to USERS_MAX */
	__u8 guess; /* enum guess: set by the caller */
};

/*
 * The policy of a judgement. Checks `kind`, whose range the verifier loses
 * across global functions.
 */
static inline const struct policy *policy_of(const struct settings *s,
					     const struct judgement *j)
{
	__u32 kind = j->kind;

	return &s->policy[kind < POLICIES_MAX ? kind : POLICY_PLAIN];
}

/* Users that make an attack, if attack-users is off: people mistype fewer. */
#define ATTACK_USERS 3

/*
 * What users and passwords suggest. Where passwords are not read, one user over
 * and over may be an old one or a guesser: nobody knows.
 */
static inline enum offender offender_of(const struct settings *s,
					const struct client *c,
					const struct judgement *j)
{
	if (j->guess == GUESS_AGAIN)
		return OFFENDER_STALE;
	if (j->users >= (s->attack_users ? s->attack_users : ATTACK_USERS))
		return OFFENDER_ATTACK;
	return j->guess == GUESS_NEW && c->guess_head > 1 ? OFFENDER_GUESSES :
							    OFFENDER_UNKNOWN;
}

/*
 * Chooses the policy: stale for a password that comes again; strict or lenient
 * for a client in such a group; else plain. Fills in j->users, offender and
 * kind; j->guess is given.
 */
PURE_FUNCTION int choose_policy(const struct settings *s,
				const struct client *c, __u32 tick, int group,
				struct judgement *j)
{
	if (!s || !c || !j)
		return 0;
	j->users = users_count(c, tick, s->policy[POLICY_PLAIN].rate.ticks);
	j->offender = offender_of(s, c, j);
	j->kind = POLICY_PLAIN;
	if (j->guess == GUESS_AGAIN)
		j->kind = POLICY_STALE;
	else if (group == GROUP_STRICT)
		j->kind = POLICY_STRICT;
	else if (group == GROUP_LENIENT)
		j->kind = POLICY_LENIENT;
	return 0;
}

/*
 * Does the failure with this ticket reach a limit: the policy's rate,
 * attack-users or slow-rate? If so, sets j->failures and j->sec.
 */
PURE_FUNCTION int limit_reached(const struct settings *s,
				const struct client *c, __u32 ticket,
				__u32 tick, struct judgement *j)
{
	const struct limit *rate;

	if (!s || !c || !j)
		return false;
	rate = &policy_of(s, j)->rate;
	j->sec = rate->sec;
	if (!rate->failures)
		return false;
	if (!credit_covers(c, s, rate, tick)) {
		if (window_reached(c, ticket, tick, rate, window_from(c))) {
			j->failures = rate->failures;
			return true;
		}
		/* not lenient: many of one office may have new passwords */
		if (s->attack_users && j->kind != POLICY_LENIENT &&
		    j->kind != POLICY_STALE && j->users >= s->attack_users) {
			j->failures = window_count(c, tick, rate->ticks);
			return true;
		}
	}
	/* nor stale: a phone with an old password tries day and night */
	if (!s->slow.failures || j->kind == POLICY_STALE ||
	    j->kind == POLICY_LENIENT ||
	    !window_reached(c, ticket, tick, &s->slow, c->spent))
		return false;
	j->failures = s->slow.failures;
	j->sec = s->slow.sec;
	return true;
}

#endif

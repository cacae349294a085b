/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which AUTH of a dialogue a reply or a challenge is about. Pure. */
#ifndef SMTPXDP_MATCHING_H
#define SMTPXDP_MATCHING_H

#include "pure/sasl.h"

/*
 * The server sends a challenge, after so many replies and challenges. Is the
 * client's next line surely the response?
 */
static inline bool dialogue_challenged(const struct dialogue *d, __u32 replies,
				       __u32 challenges)
{
	return d->sasl.mode == SASL_START && d->commands == replies + 1 &&
	       d->responses == challenges;
}

/*
 * Is nothing outstanding but the line under way, or one challenge? A server
 * that answers in turn reads on only then.
 */
static inline bool dialogue_settled(const struct dialogue *d, __u32 replies,
				    __u32 challenges)
{
	if (d->sasl.mode != SASL_START)
		return d->commands == replies + 1 && d->responses == challenges;
	return d->commands == replies + (challenges - d->responses) &&
	       challenges - d->responses <= 1;
}

/*
 * Has the server got all of AUTH i, without a reply to it so far? Not if the
 * server may still ask for more (an unknown mechanism, like SCRAM): no user is
 * tried yet. A line behind an AUTH that is not whole may be its response: a
 * server that has read both (Postfix) sends no challenge before it judges.
 */
static inline bool dialogue_is_open(const struct dialogue *d, __u32 i,
				    __u32 replies, __u32 challenges)
{
	const struct attempt *a = &d->attempt[i & (ATTEMPTS - 1)];

	if (i >= d->n || (__s32)(a->reply - replies) < 0)
		return false;
	if (!a->whole && d->commands <= a->reply + 1)
		return false;
	return d->sasl.mech != SASL_OTHER || challenges == d->responses;
}

/* The AUTH that is answered by reply number `reply`, or NULL. */
static inline const struct attempt *dialogue_attempt(const struct dialogue *d,
						     __u32 reply)
{
	if (d->adrift)
		return NULL;
	for (__u32 i = 0; i < ATTEMPTS; i++)
		if (i < d->n && d->attempt[i].reply == reply)
			return &d->attempt[i];
	return NULL;
}

#endif

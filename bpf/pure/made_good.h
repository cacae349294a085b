/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the refused logins of one connection have to do with each other. Pure:
 * see reply.h.
 *
 * One click of a person can be several AUTHs: a client library (Python's
 * smtplib) tries CRAM-MD5, then PLAIN, then LOGIN, with one password. A digest
 * cannot be compared with a password, so the first PLAIN or LOGIN behind it, of
 * the same user, is taken for the same guess. And what the connection makes
 * good, by a login as that user, was no guess.
 */
#ifndef SMTPXDP_MADE_GOOD_H
#define SMTPXDP_MADE_GOOD_H

#include <stdbool.h>

#include "login.h"
#include "pure/window.h"
#include "refusals.h"
#include "tried.h"

#define MADE_GOOD_MAX 8 /* failures of one connection */
/* Notes a refused login. Is it one guess with the one before it? */
static inline bool refusals_note(struct refusals *r, const struct tried *t,
				 __u32 tick)
{
	__u32 account = account_of(t->hash);
	bool joins = account && r->account == account && r->unread && t->guess;

	if (r->account != account)
		r->counted = 0;
	r->account = account;
	r->unread = account && !t->guess;
	r->when = tick;
	return joins;
}

/*
 * How many failures a login as the user with this hash makes good, within
 * `ticks`; they are forgotten.
 */
static inline __u32 refusals_made_good(struct refusals *r, __u64 hash,
				       __u32 tick, __u32 ticks)
{
	__u32 n = r->counted;

	r->counted = 0;
	return hash && account_of(hash) == r->account &&
			       window_age_fits(r->when, tick, ticks) ?
		       n :
		       0;
}

#endif

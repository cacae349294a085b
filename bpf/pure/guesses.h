/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guess is a new password. The same user with the same password again is a
 * device that nobody told. Pure: see reply.h.
 *
 * A client's last GUESSES_MAX guesses are kept, 16 bits of a keyed hash each
 * (struct tried). So one new guess in 65,536 for each that is kept is taken for
 * an old one; two CPUs that see one guess at the same time may both take it for
 * new.
 */
#ifndef SMTPXDP_GUESSES_H
#define SMTPXDP_GUESSES_H

#include <stdbool.h>

#include "client.h"
#include "pure/function.h"

/* What the password of a failed login tells. */
enum guess {
	GUESS_UNREAD, /* not known: it may be new */
	GUESS_NEW,
	GUESS_AGAIN, /* this client has tried it for this user before */
};

/* Is one of the four guesses in a word this one? Not for guess 0. */
static inline bool guess_is_in(__u64 word, __u16 guess)
{
	__u64 each = 0x0001000100010001ULL, x = word ^ each * guess;

	return ((x - each) & ~x & each << 15) != 0;
}

/* Tells whether the client has tried this guess before, and notes it. */
PURE_FUNCTION enum guess guess_note(struct client *c, __u32 guess)
{
	__u32 n;

	if (!c || !guess)
		return GUESS_UNREAD;
	for (__u32 i = 0; i < GUESSES_MAX / 4; i++)
		if (guess_is_in(*(volatile __u64 *)&c->guesses[i], guess))
			return GUESS_AGAIN;
	n = __sync_fetch_and_add(&c->guess_head, 1) % GUESSES_MAX;
	((volatile __u16 *)c->guesses)[n] = guess;
	return GUESS_NEW;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map fronts: clients from which several accounts log in, a webmail or a NAT,
 * by their masked address. See bpf/pure/front.h.
 */
#ifndef SMTPXDP_FRONTS_H
#define SMTPXDP_FRONTS_H

#include <linux/types.h>

#define FRONT_ACCOUNTS 16 /* the last ones are kept */
/* So many accounts within a day make a front. */
#define FRONT_MIN 10
/* For each so many of them, one ban a day is held back. */
#define FRONT_PER_BAN 5
#define FRONT_BANS 4 /* a power of two: see bound_index() */

/* Times are front_time(). */
struct front {
	/* the upper half: account_of(); the lower: when it last logged in */
	__u64 accounts[FRONT_ACCOUNTS]; /* 0: free */
	__u32 held[FRONT_BANS]; /* when bans were held back, a ring */
	__u32 n_held; /* so many ever */
	__u32 since; /* the last halving */
	__u32 successes; /* halved each day */
	__u32 failures; /* those that have reached a limit, halved as well */
	__u32 over; /* when it was last banned all the same; 0: never */
	__u32 pad;
};

_Static_assert(FRONT_BANS >= FRONT_ACCOUNTS / FRONT_PER_BAN, "room for all");
_Static_assert(sizeof(struct front) == 8 * FRONT_ACCOUNTS + 4 * FRONT_BANS + 24,
	       "map value");

#endif

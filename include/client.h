/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failures and successes of one client: map clients, by its masked address; of
 * one network, or one AS (as_key()): map nets, see bpf/net_window.h.
 */
#ifndef SMTPXDP_CLIENT_H
#define SMTPXDP_CLIENT_H

#include "addr.h"
#include "settings.h"

/*
 * Twice RATE_MAX: only 64 more failures, in the nanoseconds between a failure's
 * taking its ticket and reading an older slot, could overwrite that slot.
 */
#define LOG_SLOTS 128

/* times of so many last successes are kept */
#define SUCCESS_SLOTS 16

/* last failures of so many users are kept */
#define USERS_MAX 16

/* last guesses kept: as many different ones as a rate can count */
#define GUESSES_MAX 64

/* Ticket n is failure n of this client, from 0; it lives in log[n % 128]. */
struct client {
	__u64 until; /* end of the last ban: see window_until() */
	__u64 last_seen; /* jiffies of the last failure */
	__u64 failures; /* all failures so far */
	__u64 successes; /* replies with action credit */
	__u32 head; /* the next ticket: failures logged so far */
	__u32 spent; /* tickets below this one led to a ban, or would have */
	/* jiffies before which no success forgives: see credit.h */
	__u64 forgives_from;
	/* tickets below this one are forgiven (not for slow-rate) */
	__u32 forgiven;
	__u32 success_head; /* successes logged so far */
	__u16 last_code; /* reply code of the last failure */
	__u8 len; /* prefix length of the key, 0..128 */
	__u8 policy; /* enum policy_kind that measured the last failure */
	__u32 repeats; /* failures with a user and password tried before */
	__u32 net_counted; /* tick << 1 | 1: see bpf/net_window.h */
	/* tick << 1 | 1 of the last failure without a known user, or 0 */
	__u32 unknown_user;
	__u32 log[LOG_SLOTS]; /* of failures: see bpf/pure/window.h */
	/* ticks of successes: see bpf/pure/credit.h */
	__u32 success_log[SUCCESS_SLOTS];
	/* last failures by user: see bpf/pure/users.h */
	__u64 users[USERS_MAX];
	/* last users with passwords, four a word: see bpf/pure/guesses.h */
	__u64 guesses[GUESSES_MAX / 4];
	__u32 guess_head; /* guesses noted so far */
	/* tick << 1 | 1 of the last failure that a server judged, or 0 */
	__u32 refused;
	/* tick << 1 | 1 of the last failure at PORT_DELIVERY, or 0 */
	__u32 at_delivery;
	__u32 as_counted; /* as net_counted, for as-rate */
};

_Static_assert(sizeof(struct client) == 88 + 4 * (LOG_SLOTS + SUCCESS_SLOTS) +
						8 * USERS_MAX + 2 * GUESSES_MAX,
	       "map value");
_Static_assert(LOG_SLOTS >= 2 * RATE_MAX, "room for concurrent failures");

/* The key of an AS in map nets: no network that net-rate counts has it. */
static inline void as_key(__u32 asn, struct addr *key)
{
	key->q[0] = 0;
	key->d[2] = 0;
	key->b[12] = asn >> 24;
	key->b[13] = asn >> 16;
	key->b[14] = asn >> 8;
	key->b[15] = asn;
}

#endif

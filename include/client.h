/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of one client: map clients, by its masked address. */
#ifndef SMTPXDP_CLIENT_H
#define SMTPXDP_CLIENT_H

#include "addr.h"
#include "settings.h"

/*
 * Twice RATE_MAX, so that a slot which a failure compares itself with is
 * overwritten only by 64 further failures inside the few nanoseconds between
 * taking a ticket and looking.
 */
#define LOG_SLOTS 128

/* Of how many successes the times are kept. */
#define SUCCESS_SLOTS 16

/* Of how many users the last failures are kept. */
#define USERS_MAX 16

/* Ticket n is failure n of this client, from 0; it lives in log[n % 128]. */
struct client {
	__u64 until;	 /* banned, or would be: see window_until() */
	__u64 last_seen; /* jiffies of the last failure */
	__u64 failures;	 /* all that were seen */
	__u64 successes; /* replies that earn credit */
	__u32 head;	 /* the next ticket */
	__u32 spent;	 /* tickets below this one led to a ban already */
	__u64 forgives_from; /* jiffies at which a success forgives again */
	__u32 forgiven; /* tickets below this one are, of the quick limit */
	__u32 success_head; /* how many times success_log was written */
	__u16 last_code;
	__u8 len; /* of the client's network, 0..128 */
	__u8 policy; /* enum policy_kind, of the last failure */
	__u8 pad[4];
	__u32 net_counted; /* tick << 1 | 1: see bpf/net_window.h */
	__u32 unknown_user; /* see users: the last failure that named nobody */
	__u32 log[LOG_SLOTS]; /* times: see bpf/pure/window.h */
	__u32 success_log[SUCCESS_SLOTS]; /* ticks: see bpf/pure/credit.h */
	__u64 users[USERS_MAX]; /* that were tried: see bpf/pure/users.h */
};

_Static_assert(sizeof(struct client) ==
		       72 + 4 * (LOG_SLOTS + SUCCESS_SLOTS) + 8 * USERS_MAX,
	       "map value");
_Static_assert(LOG_SLOTS >= 2 * RATE_MAX, "room for concurrent failures");

#endif

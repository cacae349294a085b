/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Judges whether a client that reaches a limit is a front: a webmail, a proxy
 * that names nobody, an office behind NAT. A ban of it would lock out everybody
 * behind it. Pure: see reply.h.
 *
 * One account says nothing, however often it logs in: a guesser may have one.
 * FRONT_MIN accounts within a day are wanted, and more logins than failures.
 * Whoever has stolen so many gains what is bounded here: a ban a day less for
 * each FRONT_PER_BAN accounts, that is, as many guesses as the limit has.
 */
#ifndef SMTPXDP_FRONT_H
#define SMTPXDP_FRONT_H

#include <stdbool.h>

#include "bound.h"
#include "fronts.h"
#include "pure/function.h"

/* The unit of front_time() is 2^30 ns, about a second. */
#define FRONT_SHIFT 30
#define FRONT_DAY ((__s32)(86400ULL * 1000000000 >> FRONT_SHIFT))

/* Of CLOCK_BOOTTIME; before this boot it was < 0. Differences count. */
static inline __u32 front_time(__s64 boot_ns)
{
	return boot_ns >> FRONT_SHIFT;
}

/* Signed: another CPU's clock may be ahead a little. */
static inline bool front_fits(__u32 then, __u32 now)
{
	return (__s32)(now - then) <= FRONT_DAY;
}

/*
 * The slot of an account: its own, else a free one, else the oldest. Global in
 * BPF, as users_find() is.
 */
PURE_FUNCTION int front_slot(const struct front *f, __u32 account, __u32 now)
{
	__u32 slot = 0, most = 0;

	if (!f)
		return 0;
	for (__u32 i = bound_hide(0); i < FRONT_ACCOUNTS; i++) {
		__u64 v = *(volatile const __u64 *)&f->accounts[i];
		__u32 age = now - (__u32)v;

		if (v >> 32 == account || !v)
			return i;
		if (age < most)
			continue;
		slot = i;
		most = age;
	}
	return slot;
}

/* A login. Two CPUs at once may lose one. */
static inline void front_login(struct front *f, __u32 account, __u32 when)
{
	__u32 slot = front_slot(f, account, when);

	*(volatile __u64 *)&f->accounts[bound_index(slot, FRONT_ACCOUNTS)] =
		(__u64)account << 32 | when;
	__sync_fetch_and_add(&f->successes, 1);
}

/* So many accounts have logged in within a day, up to FRONT_ACCOUNTS. */
PURE_FUNCTION int front_accounts(const struct front *f, __u32 now)
{
	int n = 0;

	if (!f)
		return 0;
	for (__u32 i = bound_hide(0); i < FRONT_ACCOUNTS; i++) {
		__u64 v = *(volatile const __u64 *)&f->accounts[i];

		n += v && front_fits(v, now);
	}
	return n;
}

/* So many bans were held back within a day. */
PURE_FUNCTION int front_held(const struct front *f, __u32 now)
{
	int n = 0;

	if (!f)
		return 0;
	for (__u32 i = bound_hide(0); i < FRONT_BANS; i++)
		n += i < f->n_held && front_fits(f->held[i], now);
	return n;
}

static inline void front_halve(struct front *f, __u32 now)
{
	__s32 age = now - f->since;

	if (age <= FRONT_DAY)
		return;
	f->since = now;
	f->successes = age > 2 * FRONT_DAY ? 0 : f->successes / 2;
	f->failures = age > 2 * FRONT_DAY ? 0 : f->failures / 2;
}

enum front_verdict {
	FRONT_NONE, /* it is no front */
	FRONT_HELD, /* its ban is held back */
	FRONT_OVER, /* it is one, but this is too much: it is banned */
};

/* So many failures have reached a limit: is the ban to be held back? */
static inline enum front_verdict front_judge(struct front *f, __u32 failures,
					     __u32 now)
{
	int accounts = front_accounts(f, now);

	front_halve(f, now);
	__sync_fetch_and_add(&f->failures, failures);
	if (accounts < FRONT_MIN)
		return FRONT_NONE;
	if (f->failures >= f->successes ||
	    front_held(f, now) >= accounts / FRONT_PER_BAN) {
		f->over = now ? now : 1;
		return FRONT_OVER;
	}
	f->held[bound_index(f->n_held % FRONT_BANS, FRONT_BANS)] = now;
	f->n_held++;
	return FRONT_HELD;
}

#endif

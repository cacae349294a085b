/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The users that a client failed to log in as: the last USERS_MAX different
 * ones, each with the time of its last failure, without locks. Pure: see
 * reply.h.
 *
 * One user over and over looks like a stale password, many users like an
 * attack. Counts are exact up to USERS_MAX. Two users with the same 32 bits of
 * keyed hash count as one.
 */
#ifndef SMTPXDP_USERS_H
#define SMTPXDP_USERS_H

#include "settings.h"
#include "pure/window.h"

#define USERS_TRIES 4

/* A slot's value: the hash's upper half, the tick, and 1 for "in use". */
static inline __u64 users_slot(__u64 hash, __u32 tick)
{
	return (hash & ~0xffffffffULL) | (__u64)tick << 1 | 1;
}

static inline __u32 users_slot_tick(__u64 slot)
{
	return (__u32)slot >> 1;
}

/*
 * Finds the slot for a user: its own, else a free one, else the oldest; *was is
 * its value. A global function: if it were inlined, the verifier would follow
 * each slot apart once it is used as an index.
 */
PURE_FUNCTION int users_find(const struct client *c, __u64 hash, __u32 tick,
			     __u64 *was)
{
	__u32 slot = 0, most = 0;

	if (!c || !was)
		return 0;
	for (__u32 i = 0; i < USERS_MAX; i++) {
		__u64 v = *(volatile const __u64 *)&c->users[i];
		__u32 age = (tick + TICK_SKEW - users_slot_tick(v)) & TICK_MASK;

		if (i && v && v >> 32 != hash >> 32 && age <= most)
			continue;
		slot = i;
		most = age;
		*was = v;
		if (!v || v >> 32 == hash >> 32)
			break;
	}
	return slot;
}

/* Notes a failure to log in as the user with this hash; 0: user unknown. */
PURE_FUNCTION int users_add(struct client *c, __u64 hash, __u32 tick)
{
	if (!c)
		return 0;
	if (!hash) {
		*(volatile __u32 *)&c->unknown_user = tick << 1 | 1;
		return 0;
	}
	for (int n = 0; n < USERS_TRIES; n++) {
		__u64 was = 0;
		__u32 slot = users_find(c, hash, tick, &was);

		/* one of two CPUs gets the slot; the other searches again */
		if (__sync_val_compare_and_swap(
			    &c->users[bound_index(slot, USERS_MAX)], was,
			    users_slot(hash, tick)) == was)
			break;
	}
	return 0;
}

/*
 * The failures of the user with this hash are none: makes its slot as old as
 * can be, for slots are filled in order.
 */
PURE_FUNCTION int users_drop(struct client *c, __u64 hash)
{
	if (!c)
		return 0;
	for (__u32 i = 0; i < USERS_MAX; i++) {
		__u64 v = *(volatile __u64 *)&c->users[i];

		if (v && v >> 32 == hash >> 32)
			__sync_val_compare_and_swap(
				&c->users[i], v,
				users_slot(v, (users_slot_tick(v) -
					       TICK_MASK / 2) &
						      TICK_MASK));
	}
	return 0;
}

/* How many different users failed within the last `ticks`, up to USERS_MAX. */
PURE_FUNCTION int users_count(const struct client *c, __u32 tick, __u32 ticks)
{
	int n = 0;

	if (!c)
		return 0;
	for (__u32 i = 0; i < USERS_MAX; i++) {
		__u64 v = *(volatile const __u64 *)&c->users[i];

		if (!v)
			break; /* slots are filled in order */
		n += window_age_fits(users_slot_tick(v), tick, ticks);
	}
	return n;
}

/* Did a failure with unknown user come within the last `ticks`? */
static inline bool users_unknown(const struct client *c, __u32 tick,
				 __u32 ticks)
{
	__u32 v = *(volatile const __u32 *)&c->unknown_user;

	return v && window_age_fits(v >> 1, tick, ticks);
}

/* Forgets all users. */
static inline void users_forget(struct client *c)
{
	for (__u32 i = 0; i < USERS_MAX; i++)
		*(volatile __u64 *)&c->users[i] = 0;
	*(volatile __u32 *)&c->unknown_user = 0;
}

#endif

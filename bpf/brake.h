/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two reasons to write no ban at all: the fuse, which user space blows
 * (user/lists/fuse.h), and the brake, max-bans-per-minute.
 *
 * The brake keeps the times of the last bans in a ring, without locks. A ban
 * takes the next slot only if the ban `max` slots before is more than a minute
 * old. Error: while a CPU has taken a slot and not written its time yet, one
 * ban too many may pass.
 */
#ifndef SMTPXDP_BRAKE_H
#define SMTPXDP_BRAKE_H

#include "maps.h"
#include "pure/window.h"

#define BRAKE_TRIES 8

struct brake {
	__u32 head; /* slots taken so far */
	__u32 tick[BRAKE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct brake);
} brake MAP;

/* Does the brake allow one more ban at this tick? If so, counts it. */
static __always_inline bool brake_lets_pass(const struct settings *s,
					    __u32 tick)
{
	__u32 zero = 0;
	struct brake *b = bpf_map_lookup_elem(&brake, &zero);

	if (!b || !s->brake.failures)
		return true;
	for (int i = 0; i < BRAKE_TRIES; i++) {
		__u32 n = *(volatile __u32 *)&b->head;
		__u32 old = n - s->brake.failures;

		if (n >= s->brake.failures &&
		    window_age_fits(b->tick[old % BRAKE_MAX], tick,
				    s->brake.ticks))
			return false;
		if (__sync_val_compare_and_swap(&b->head, n, n + 1) == n) {
			b->tick[n % BRAKE_MAX] = tick;
			return true;
		}
	}
	return true;
}

/* Is the fuse blown at this jiffy? */
static __always_inline bool fuse_is_blown(__u64 jiffies)
{
	__u32 zero = 0;
	struct settings_slots *slots = bpf_map_lookup_elem(&settings, &zero);

	return slots && jiffies < *(volatile __u64 *)&slots->fuse_until;
}

#endif

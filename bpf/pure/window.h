/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A client's window: an exact sliding log of failure times, without locks,
 * because tracing programs may not take BPF spin locks. Pure: see reply.h.
 *
 * A failure takes a ticket by fetch-and-add, writes its time into the ticket's
 * slot and looks at the slot of the ticket n - 1 before its own: if that one is
 * recent enough, n failures lie within the window. One log serves a quick
 * limit and a slow one.
 *
 * A slot is the time in ticks (31 bits, 10 to 20 ms each), shifted by one, and
 * a bit that flips with every round of the ring. By it a reader knows a slot
 * that was taken but not written yet: that failure is happening now, on
 * another CPU, and its time is as good as now's. Zeroed memory reads as such
 * a slot, which is why tickets below `spent` are never looked at.
 *
 * Error: two times are compared with the resolution of a tick. A slot 2^31
 * ticks old (248 days or more) would seem new.
 */
#ifndef SMTPXDP_WINDOW_H
#define SMTPXDP_WINDOW_H

#include <stdbool.h>

#include "client.h"
#include "pure/function.h"

#define TICK_MASK 0x7fffffffU
/* CPUs read the clock a little apart: so much "in the future" is now. */
#define TICK_SKEW 64

static inline __u32 window_tick(__u64 jiffies, __u8 shift)
{
	return (jiffies >> shift) & TICK_MASK;
}

static inline __u32 window_slot_value(__u32 ticket, __u32 tick)
{
	return tick << 1 | !(ticket / LOG_SLOTS & 1);
}

/* Is `then` at most `ticks` before `tick`? */
static inline bool window_age_fits(__u32 then, __u32 tick, __u32 ticks)
{
	__u32 age = (tick - then) & TICK_MASK;

	return age <= ticks || age > TICK_MASK - TICK_SKEW;
}

/* Is the failure of this ticket at most `window` ticks before `tick`? */
static inline bool window_recent(const struct client *c, __u32 ticket,
				 __u32 tick, __u32 window)
{
	__u32 v = *(volatile const __u32 *)&c->log[ticket % LOG_SLOTS];

	if ((v & 1) != !(ticket / LOG_SLOTS & 1))
		return true; /* being written */
	return window_age_fits(v >> 1, tick, window);
}

/* Logs a failure at `tick`; its ticket. */
static inline __u32 window_add(struct client *c, __u32 tick)
{
	__u32 n = __sync_fetch_and_add(&c->head, 1);

	*(volatile __u32 *)&c->log[n % LOG_SLOTS] = window_slot_value(n, tick);
	return n;
}

/* Is it the first failure in so much time? */
static inline bool window_begins(const struct client *c, __u32 ticket,
				 __u32 tick, __u32 ticks)
{
	return !ticket || !window_recent(c, ticket - 1, tick, ticks);
}

/* The first ticket that counts for the quick limit: not spent, nor forgiven. */
static inline __u32 window_from(const struct client *c)
{
	__u32 forgiven = *(volatile const __u32 *)&c->forgiven;
	__u32 spent = *(volatile const __u32 *)&c->spent;

	return (__s32)(forgiven - spent) > 0 ? forgiven : spent;
}

/*
 * Is the failure with this ticket, at `tick`, the last of as many as the limit
 * takes? Only tickets from `from` on count.
 */
static inline bool window_reached(const struct client *c, __u32 ticket,
				  __u32 tick, const struct limit *l, __u32 from)
{
	__u32 first = ticket - (l->failures - 1);

	/* Signed: `from` may have moved past `first`, or past the ticket. */
	if ((__s32)(first - from) < 0)
		return false;
	return window_recent(c, first, tick, l->ticks);
}

/*
 * What `until` holds: the jiffy at which a ban ends, and whether it is one
 * (1), or would be in mode enforce (0). In one word, so that no other CPU sees
 * half of it.
 */
static inline __u64 window_until(__u64 jiffies, __u8 mode)
{
	return jiffies << 1 | (mode == MODE_ENFORCE);
}

/*
 * A client that is banned is not counted: its window restarts after the ban.
 * One that would have been, in monitor mode, counts again under enforce.
 */
static inline bool window_closed(__u64 until, __u64 jiffies, __u8 mode)
{
	return jiffies < until >> 1 && (until & 1 || mode == MODE_MONITOR);
}

/*
 * Of the callers that crossed the threshold at once, exactly one gets true:
 * the one to ban and to tell. `was` is the `until` that it found not closed,
 * before window_add().
 */
static inline bool window_cross(struct client *c, __u32 ticket, __u64 was,
				__u64 until)
{
	if (__sync_val_compare_and_swap(&c->until, was, until) != was)
		return false;
	*(volatile __u32 *)&c->spent = ticket + 1;
	return true;
}

/* How many failures that count lie within so much time, up to RATE_MAX. */
PURE_FUNCTION int window_count(const struct client *c, __u32 tick, __u32 ticks)
{
	__u32 head, from, n = 0;

	if (!c)
		return 0;
	head = *(volatile const __u32 *)&c->head;
	from = window_from(c);
	for (__u32 i = 1; i <= RATE_MAX; i++) {
		__u32 ticket = head - i;

		if ((__s32)(ticket - from) < 0 ||
		    !window_recent(c, ticket, tick, ticks))
			break;
		n++;
	}
	return n;
}

#endif

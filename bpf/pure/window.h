/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A client's window: an exact sliding log of failure times, without locks, for
 * tracing programs may not take BPF spin locks. Pure: see reply.h.
 *
 * A failure takes a ticket by fetch-and-add, writes its time into the ticket's
 * slot, and reads the slot of ticket - (n - 1): if that time is recent enough,
 * n failures lie within the window. One log serves all limits.
 *
 * A slot holds the time in ticks (31 bits, 10 to 20 ms each) and a bit that
 * flips with every round of the ring. The bit shows a slot that is taken but
 * not written: that failure happens now, on another CPU, and counts as now.
 * Zeroed memory reads as such a slot, so tickets below `spent` are never read.
 *
 * Errors: times have the resolution of a tick; a slot 2^31 ticks old (248 days
 * or more) looks new.
 */
#ifndef SMTPXDP_WINDOW_H
#define SMTPXDP_WINDOW_H

#include <stdbool.h>

#include "client.h"
#include "pure/function.h"

#define TICK_MASK 0x7fffffffU
/* CPUs differ a little in their clocks: up to so many ticks ahead is now. */
#define TICK_SKEW 64

/* The tick of a jiffy, modulo 2^31. */
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

/* Did the failure with this ticket come within the last `window` ticks? */
static inline bool window_recent(const struct client *c, __u32 ticket,
				 __u32 tick, __u32 window)
{
	__u32 v = *(volatile const __u32 *)&c->log[ticket % LOG_SLOTS];

	if ((v & 1) != !(ticket / LOG_SLOTS & 1))
		return true; /* not written yet */
	return window_age_fits(v >> 1, tick, window);
}

/* Logs a failure; returns its ticket. */
static inline __u32 window_add(struct client *c, __u32 tick)
{
	__u32 n = __sync_fetch_and_add(&c->head, 1);

	*(volatile __u32 *)&c->log[n % LOG_SLOTS] = window_slot_value(n, tick);
	return n;
}

/* The first ticket that counts for a policy's rate: not spent, not forgiven. */
static inline __u32 window_from(const struct client *c)
{
	__u32 forgiven = *(volatile const __u32 *)&c->forgiven;
	__u32 spent = *(volatile const __u32 *)&c->spent;

	return (__s32)(forgiven - spent) > 0 ? forgiven : spent;
}

/*
 * Takes the latest failure out of the log, for it was none. False: it is spent
 * or forgiven, or a failure on another CPU came in between.
 */
static inline bool window_take_back(struct client *c)
{
	__u32 head = *(volatile __u32 *)&c->head;

	return (__s32)(head - window_from(c)) > 0 &&
	       __sync_val_compare_and_swap(&c->head, head, head - 1) == head;
}

/* Is this the first failure within the last `ticks`? */
static inline bool window_begins(const struct client *c, __u32 ticket,
				 __u32 tick, __u32 ticks)
{
	return !ticket || !window_recent(c, ticket - 1, tick, ticks);
}

/* Does the failure with this ticket reach the limit, from ticket `from` on? */
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
 * The value of client.until: the jiffy at which a ban ends, shifted by one, and
 * 1 if it is a ban, 0 if it would be one in mode enforce. One word, so that no
 * CPU reads half of it.
 */
static inline __u64 window_until(__u64 jiffies, __u8 mode)
{
	return jiffies << 1 | (mode == MODE_ENFORCE);
}

/*
 * Is the client's window closed? A banned client's failures do not count, so
 * its window restarts after the ban. A client that mode monitor would have
 * banned counts again in mode enforce.
 */
static inline bool window_closed(__u64 until, __u64 jiffies, __u8 mode)
{
	return jiffies < until >> 1 && (until & 1 || mode == MODE_MONITOR);
}

/*
 * Of several CPUs that reach a limit at once, exactly one gets true: it bans
 * and tells. `was` is the client.until that it read before window_add().
 */
static inline bool window_cross(struct client *c, __u32 ticket, __u64 was,
				__u64 until)
{
	if (__sync_val_compare_and_swap(&c->until, was, until) != was)
		return false;
	*(volatile __u32 *)&c->spent = ticket + 1;
	return true;
}

/* How many failures that count lie within the last `ticks`, up to RATE_MAX. */
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

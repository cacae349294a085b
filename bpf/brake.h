/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two reasons to write no ban at all: the fuse, which user space blows
 * (user/lists/fuse.h), and the brake, max-bans-per-minute.
 *
 * The brake keeps the times and networks of the last bans in a ring, without
 * locks. A ban takes the next slot only if the ban `max` slots before is more
 * than a minute old, and if its own network has fewer slots of the last minute
 * than its share. Error: while a CPU has taken a slot and not written it yet, one
 * ban too many may pass, and so may one that three times lost its slot to other
 * CPUs.
 */
#ifndef SMTPXDP_BRAKE_H
#define SMTPXDP_BRAKE_H

#include "event.h"
#include "maps.h"
#include "now.h"
#include "pure/window.h"

/* So many of the newest slots may be taken, and not written yet. */
#define BRAKE_UNWRITTEN 64

struct brake_count {
	const struct brake *b;
	__u64 net;
	__u32 head;
	__u32 tick;
	__u32 ticks;
	__u32 left; /* of the share */
};

/* Counts a slot for the network. 1: its share is used up, or all is counted. */
static long brake_step(__u32 i, void *ctx)
{
	struct brake_count *x = ctx;
	__u32 slot = bound_index(x->head - 1 - i, BRAKE_MAX);

	if (!window_age_fits(x->b->tick[slot], x->tick, x->ticks))
		return i >= BRAKE_UNWRITTEN;
	if (x->b->net[slot] != x->net)
		return 0;
	x->left--;
	return !x->left;
}

/* Was the ban with number `n` within the last minute before this tick? */
static __always_inline bool brake_recent(const struct brake *b, __u32 n,
					 __u32 tick, __u32 ticks)
{
	return window_age_fits(b->tick[n % BRAKE_MAX], tick, ticks);
}

/*
 * Has the network used its share, when `head` slots are taken? It cannot have,
 * where the bans of all networks within the last minute are fewer.
 */
static __always_inline bool brake_share_used(const struct settings *s,
					     const struct brake *b, __u32 head,
					     __u32 tick, __u64 net)
{
	struct brake_count x = {
		.b = b,
		.net = net,
		.head = head,
		.tick = tick,
		.ticks = s->brake.ticks,
		.left = brake_share(s->brake.failures),
	};
	__u32 steps = head < BRAKE_MAX ? head : BRAKE_MAX;

	if (head < x.left || !brake_recent(b, head - x.left, tick, x.ticks))
		return false;
	bpf_loop(steps, brake_step, &x, 0);
	return !x.left;
}

#define BRAKE_AGAIN (-1)

/* One attempt to count a ban: an outcome, or BRAKE_AGAIN. See brake_ask(). */
static __always_inline int brake_try(const struct settings *s, struct brake *b,
				     __u32 tick, __u64 net)
{
	__u32 n = *(volatile __u32 *)&b->head;

	if (n >= s->brake.failures &&
	    brake_recent(b, n - s->brake.failures, tick, s->brake.ticks)) {
		b->held = now_jiffies();
		return OUTCOME_BRAKE;
	}
	if (net && brake_share_used(s, b, n, tick, net)) {
		b->share_net = net;
		b->share_held = now_jiffies();
		return OUTCOME_BRAKE_SHARE;
	}
	if (__sync_val_compare_and_swap(&b->head, n, n + 1) != n)
		return BRAKE_AGAIN;
	b->net[n % BRAKE_MAX] = net;
	b->tick[n % BRAKE_MAX] = tick;
	return OUTCOME_NONE;
}

static __always_inline int brake_attempts(const struct settings *s, __u32 tick,
					  __u64 net)
{
	__u32 zero = 0;
	struct brake *b = bpf_map_lookup_elem(&brake, &zero);
	int outcome;

	if (!s || !b || !s->brake.failures)
		return OUTCOME_NONE;
	outcome = brake_try(s, b, tick, net);
	/* no loop: Linux 6.1 refuses this one */
	if (outcome == BRAKE_AGAIN)
		outcome = brake_try(s, b, tick, net);
	if (outcome == BRAKE_AGAIN)
		outcome = brake_try(s, b, tick, net);
	return outcome == BRAKE_AGAIN ? OUTCOME_NONE : outcome;
}

/*
 * Asks the brake for one more ban at this tick, of a client of network `net`
 * (brake_net()). OUTCOME_NONE: it is counted. A global function: verified once.
 */
__noinline __weak int brake_ask(const struct settings *s, __u32 tick, __u64 net)
{
	return brake_attempts(s, tick, net);
}

/* The same for a whole network, which has no share: it takes less stack. */
__noinline __weak int brake_ask_whole(const struct settings *s, __u32 tick)
{
	return brake_attempts(s, tick, 0);
}

/* Is the fuse blown at this jiffy? */
static __always_inline bool fuse_is_blown(__u64 jiffies)
{
	__u32 zero = 0;
	struct settings_slots *slots = bpf_map_lookup_elem(&settings, &zero);

	return slots && jiffies < *(volatile __u64 *)&slots->fuse_until;
}

#endif

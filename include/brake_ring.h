/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map brake: the times and networks of the last bans, for max-bans-per-minute. */
#ifndef SMTPXDP_BRAKE_RING_H
#define SMTPXDP_BRAKE_RING_H

#include "settings.h"

/* One network may use a tenth of the brake: it cannot keep it full. */
#define BRAKE_SHARES 10

struct brake {
	__u32 head; /* slots taken so far; slot n is at n % BRAKE_MAX */
	__u32 pad;
	/* jiffies at which it last held a ban back; 0: never */
	__u64 held;
	/* the same of a network that had used its share, and which one */
	__u64 share_held;
	__u64 share_net; /* see brake_net() */
	__u32 tick[BRAKE_MAX];
	__u64 net[BRAKE_MAX]; /* see brake_net(); 0: a ban of a network */
};

/* How many bans in a minute one network may use. */
static inline __u32 brake_share(__u32 max)
{
	return max < 2 * BRAKE_SHARES ? 1 : max / BRAKE_SHARES;
}

/*
 * The /24 or /48 of an address in one word, never 0: of IPv6 the block itself,
 * whose last two bytes are 0; of IPv4 the v4-mapped half, with a last byte of 1.
 */
static inline __u64 brake_net(const struct addr *a)
{
	struct addr block;

	net_block_of(a, &block);
	if (!addr_is_v4(a))
		return block.q[0];
	block.b[15] = 1;
	return block.q[1];
}

/* The way back. */
static inline void brake_net_block(__u64 net, struct addr *block)
{
	*block = (struct addr){ .q = { 0, net } };
	if (addr_is_v4(block) && block->b[15]) {
		block->b[15] = 0;
		return;
	}
	*block = (struct addr){ .q = { net } };
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map fuse: what the daemon tells the command line, and the next daemon, of the
 * fuse (user/lists/fuse.h). User space only.
 */
#ifndef SMTPXDP_FUSE_STATE_H
#define SMTPXDP_FUSE_STATE_H

#include "addr.h"

#define FUSE_NAMES 16

struct fuse_state {
	__u64 until; /* jiffies: as settings_slots.fuse_until; 0: it is closed */
	__u64 since; /* ns of CLOCK_BOOTTIME at which it has blown */
	__u32 seconds; /* so many clients began to fail within this time */
	__u32 clients;
	__u64 successes; /* logins within that time */
	__u32 names; /* of those clients, in `name` */
	struct net name[FUSE_NAMES];
	__u8 pad[4];
};

_Static_assert(sizeof(struct fuse_state) == 40 + 20 * FUSE_NAMES, "map value");

#endif

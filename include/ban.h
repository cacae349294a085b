/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One ban as user space has it, and as map ban_nets does. The bans of clients
 * are packed: see ban_table.h.
 */
#ifndef SMTPXDP_BAN_H
#define SMTPXDP_BAN_H

#include "addr.h"

#define BAN_REASON_SIZE 64

enum ban_flags {
	BAN_PROVISIONAL =
		1, /* written by the kernel, not yet seen by the daemon */
	BAN_FORCED = 2, /* holds against the host's own addresses too */
	BAN_TEST = 4, /* of `status`, for a moment: nothing counts on it */
	BAN_NOTED = 8, /* there is more in map ban_reasons */
};

struct ban {
	__u64 expires; /* jiffies; it holds up to a tick of the table longer */
	__u64 since;   /* ns of CLOCK_BOOTTIME */
	__u64 packets; /* dropped */
	__u64 bytes;
	__u32 failures; /* that led to it; 0: made by command */
	__u16 code;	/* reply code of the last one, 0 or 200..599 */
	__u8 len;	/* of the network, 0..128 */
	__u8 flags;	/* enum ban_flags */
	__u32 window; /* seconds in which those failures were, or 0 */
	__u32 pad;
	char reason[BAN_REASON_SIZE]; /* that somebody gave; NUL-terminated */
};

_Static_assert(sizeof(struct ban) == 112, "map value");

/* In map ban_reasons, by client: what the table has no room for. */
struct ban_note {
	__u64 expires; /* jiffies; beyond what a tick can say, else 0 */
	char reason[BAN_REASON_SIZE];
};

/* What the program `clock` gives: two clocks, read at one moment. */
struct clock_pair {
	__u64 jiffies;
	__u64 boot_ns;
};

enum allow_flags {
	ALLOW_COMMAND = 1, /* by `smtpxdp allow add` */
	ALLOW_CONFIG = 2,  /* by the key `allow` */
	ALLOW_SELF = 4,	   /* an address of this host, or loopback */
	ALLOW_GATEWAY = 8,
};

/* Somebody meant it: not even a forced ban drops these. */
#define ALLOW_ADMIN (ALLOW_COMMAND | ALLOW_CONFIG)

struct allow {
	__u32 flags; /* enum allow_flags */
};

/* May who is on the allowlist, by these flags, pass in spite of a ban? */
static inline int allow_overrules(__u32 flags, __u32 ban_flags)
{
	return flags & ALLOW_ADMIN || (flags && !(ban_flags & BAN_FORCED));
}

#endif

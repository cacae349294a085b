/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One ban in full: the value of map ban_nets, and the form in which user space
 * handles all bans. Map bans holds clients' bans in a packed form: see
 * ban_lines.h.
 */
#ifndef SMTPXDP_BAN_H
#define SMTPXDP_BAN_H

#include "addr.h"

#define BAN_REASON_SIZE 64

enum ban_flags {
	BAN_PROVISIONAL =
		1, /* written by a BPF program, not yet judged by the daemon */
	BAN_FORCED = 2, /* drops the host's own addresses and gateways, too */
	/* of the self-test (user/show/self_test.h): not counted anywhere */
	BAN_TEST = 4,
	BAN_NOTED = 8, /* map ban_reasons has a struct ban_note for it */
	BAN_SHARED = 16, /* map ban_claims may have others who want it */
	/* the client was not refused at PORT_DELIVERY: see port_is_spared() */
	BAN_SPARES = 32,
};

struct ban {
	/* jiffies; of a client: rounded up to a tick of the table */
	__u64 expires;
	__u64 since; /* ns of CLOCK_BOOTTIME */
	__u64 packets; /* dropped */
	__u64 bytes;
	__u32 failures; /* that led to the ban; 0: a command made it */
	__u16 code; /* reply code of the last failure, 0 or 200..599 */
	__u8 len; /* prefix length of the network, 0..128 */
	__u8 flags; /* enum ban_flags */
	/* seconds within which those failures came; without: see ban_owner() */
	__u32 window;
	__u32 pad;
	char reason[BAN_REASON_SIZE]; /* given by a person; NUL-terminated */
};

_Static_assert(sizeof(struct ban) == 112, "map value");

/*
 * Who wants the ban: a hash of the name of a list, a jail or the like; 0: a
 * sensor, or a person. Only bans that a command made have an owner.
 */
static inline __u32 ban_owner(const struct ban *b)
{
	return b->failures ? 0 : b->window;
}

/* Value of map owner_names, by ban_owner(): for people. */
struct owner_name {
	char text[BAN_REASON_SIZE];
};

#define OWNER_NAMES_MAX 4096

/* Key of map ban_claims; its value is the ban as that owner wants it. */
struct ban_claim_key {
	__u32 bits; /* BAN_CLAIM_BITS: the map is a trie */
	__u8 addr[16];
	__u32 len; /* of the network */
	__u32 owner;
};

#define BAN_CLAIM_BITS (8 * (sizeof(struct ban_claim_key) - sizeof(__u32)))

/* Value of map ban_reasons, by client: what map bans has no room for. */
struct ban_note {
	__u64 expires; /* jiffies, if later than BAN_TICK_MAX can say; else 0 */
	char reason[BAN_REASON_SIZE];
};

/* Output of the BPF program `clock`: both clocks, read at one moment. */
struct clock_pair {
	__u64 jiffies;
	__u64 boot_ns;
};

enum allow_flags {
	ALLOW_COMMAND = 1, /* added by `smtpxdp allow add` */
	ALLOW_CONFIG = 2, /* named by the key `allow` */
	ALLOW_SELF = 4, /* an address of this host, or loopback */
	ALLOW_GATEWAY = 8,
	ALLOW_PROXY = 16, /* named by the key `proxies` */
	ALLOW_NAME = 32, /* an address of a name of the key `allow` */
};

/* A person put these on the allowlist: not even a forced ban drops them. */
#define ALLOW_ADMIN (ALLOW_COMMAND | ALLOW_CONFIG | ALLOW_PROXY | ALLOW_NAME)

struct allow {
	__u32 flags; /* enum allow_flags */
};

/* Does an allowlist entry (enum allow_flags, or 0) overrule a ban's flags? */
static inline int allow_overrules(__u32 flags, __u32 ban_flags)
{
	return flags & ALLOW_ADMIN || (flags && !(ban_flags & BAN_FORCED));
}

#endif

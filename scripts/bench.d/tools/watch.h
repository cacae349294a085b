/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What scripts/bench.d/tools/watch.bpf.c tells watch.c. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <linux/types.h>

enum sight {
	SIGHT_SENT, /* the attacker's packet, about to reach the host */
	SIGHT_DELIVERED, /* the same, given to a socket */
	SIGHT_FAILED, /* a 535, before the sensor */
	SIGHT_LEFT, /* the same, leaving the host */
	SIGHT_WOKE, /* the daemon comes back from a system call */
};

struct record {
	__u64 boot_ns;
	__u32 seq;
	__u16 port; /* the client's, host byte order */
	__u8 sight; /* enum sight */
	__u8 flags; /* TCP's */
	__u32 len; /* of the payload */
	__u32 pad;
};

struct watch {
	__u32 client; /* IPv4, network byte order */
	__u16 port; /* the server's, host byte order */
	__u16 pad;
	__u64 pidns_dev; /* of the namespace that `pid` is of */
	__u64 pidns_ino;
	__u32 pid; /* the daemon's, 0: there is none */
};

#endif

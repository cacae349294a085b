/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What scripts/bench.d/tools/probe.c sets and probe.bpf.c reads. */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

#include <linux/types.h>

/* As many connections at once as a busy server has. */
#define CONNECTIONS 1024
/* As many as an attack has; a power of two. */
#define CONNECTIONS_MAX (1U << 17)

struct probe {
	__u64 began; /* ns of CLOCK_MONOTONIC: the first packet, the last */
	__u64 ended;
	__u64 sent;
	__u64 packets; /* all that are to be sent */
	__u64 dice; /* not 0 */
	__u32 first; /* the source is one of first..first+span-1, */
	__u32 span; /* or so many connections, to clients from first on */
	__u32 v6;
	__u32 payload; /* bytes a packet moves its connection's numbers on */
};

#endif

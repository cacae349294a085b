/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What scripts/bench.d/tools/flood.c sets and flood.bpf.c reads. */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include <linux/types.h>

/* One frame: Ethernet, IPv4 or IPv6, TCP; its sources are drawn from one of
 * two ranges, see sources.h. */
struct flood {
	__u32 ifindex; /* redirected to */
	__u32 packets; /* all that are to be sent */
	__u32 span; /* banned: sources 0..span-1 */
	__u32 others; /* of 256 packets, so many come from innocents: */
	__u32 others_first; /* sources others_first.. */
	__u32 others_span;
	__u32 ip_sum; /* checksums without source address and port, unfolded */
	__u32 tcp_sum;
	__u32 v6;
	__u32 pad;
	__u64 dice; /* not 0 */
	__u64 began; /* ns of CLOCK_MONOTONIC: the first packet, the last */
	__u64 ended;
	__u64 sent;
	__u64 others_sent;
};

#endif

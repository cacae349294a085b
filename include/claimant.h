/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Peers that the key `proxies` does not name, and whose header of the PROXY
 * protocol, or XCLIENT, a mail server takes all the same: see bpf/claim.h.
 */
#ifndef SMTPXDP_CLAIMANT_H
#define SMTPXDP_CLAIMANT_H

#include "addr.h"

/* A proxy sends one with each connection: an older one says nothing. */
#define CLAIM_SECONDS 600

/*
 * Map claims: number of the reply that a connection's claim waits for, shifted,
 * and whether the server has said 220. A header's is the greeting.
 */
#define CLAIM_GRANTED 1
#define CLAIM_HEADER CLAIM_GRANTED

static inline __u32 claim_asked(__u32 number)
{
	return number << 1;
}

static inline __u32 claim_number(__u32 claim)
{
	return claim >> 1;
}

/* Map claimants, by the peer's address. */
struct claimant {
	struct addr server;
	__u64 last; /* ns of CLOCK_BOOTTIME: the last one taken */
	__u16 port; /* the server's */
	__u16 code; /* 220: the reply to its XCLIENT; 0: it sends headers */
	__u8 pad[4];
};

_Static_assert(sizeof(struct claimant) == 32, "map value");

#endif

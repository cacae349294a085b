/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Peers that the key `proxies` does not name, and whose header of the PROXY
 * protocol a mail server takes all the same: see bpf/claim.h.
 */
#ifndef SMTPXDP_CLAIMANT_H
#define SMTPXDP_CLAIMANT_H

#include "addr.h"

/* A proxy sends one with each connection: an older one says nothing. */
#define CLAIM_SECONDS 600

/* Map claimants, by the peer's address. */
struct claimant {
	struct addr server;
	__u64 last; /* ns of CLOCK_BOOTTIME: the last header taken */
	__u16 port; /* the server's */
	__u8 pad[6];
};

_Static_assert(sizeof(struct claimant) == 32, "map value");

#endif

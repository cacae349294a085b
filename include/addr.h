/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and networks, in the form that all maps use. */
#ifndef SMTPXDP_ADDR_H
#define SMTPXDP_ADDR_H

#include <linux/types.h>

/* 16 bytes in network order; IPv4 is v4-mapped (RFC 4291, 2.5.5.2). */
struct addr {
	union {
		__u8 b[16];
		__u32 d[4];
		__u64 q[2];
	};
};

/* Key of an LPM trie: the kernel wants the data right behind the length. */
struct net {
	__u32 len; /* 0..128; 96 + n for an IPv4 network /n */
	__u8 addr[16];
};

/* Word 2 of a v4-mapped address: 0x0000ffff in network order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ADDR_V4_WORD 0xffff0000U
#else
#define ADDR_V4_WORD 0x0000ffffU
#endif

static inline int addr_is_v4(const struct addr *a)
{
	return a->q[0] == 0 && a->d[2] == ADDR_V4_WORD;
}

#define ADDR_BITS 128
#define ADDR_V4_BITS 96 /* bits that v4-mapping puts before an IPv4 prefix */

_Static_assert(sizeof(struct addr) == 16, "map key");
_Static_assert(sizeof(struct net) == 20, "map key");

#endif

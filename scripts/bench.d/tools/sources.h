/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Source addresses: the i-th one, the same for programs that send and for those
 * that fill the peers' tables. Spread over a quarter of IPv4, as a botnet is,
 * and over /64 networks of IPv6.
 */
#ifndef BENCH_SOURCES_H
#define BENCH_SOURCES_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>

#define SOURCE_BITS 30
#define SOURCES (1U << SOURCE_BITS)

/* A bijection on SOURCE_BITS bits: no two sources are one. */
static inline __u32 source_scramble(__u32 i)
{
	i &= SOURCES - 1;
	i ^= i >> 15;
	i = i * 0x2c1b3c6dU & (SOURCES - 1);
	i ^= i >> 12;
	i = i * 0x297a2d39U & (SOURCES - 1);
	return i ^ i >> 15;
}

/* 128.0.0.0/2 */
static inline __be32 source_v4(__u32 i)
{
	return bpf_htonl(0x80000000U | source_scramble(i));
}

/* 2a00:1450:x:x::7, each in a /64 of its own. */
static inline void source_v6(__u32 i, __be32 a[4])
{
	a[0] = bpf_htonl(0x2a001450U);
	a[1] = bpf_htonl(source_scramble(i));
	a[2] = 0;
	a[3] = bpf_htonl(7);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random numbers for BPF programs: a helper call would cost more than some
 * gates.
 */
#ifndef BENCH_DICE_H
#define BENCH_DICE_H

#include <linux/types.h>

/* xorshift64: the state is not 0. */
static inline __u64 dice(__u64 *state)
{
	__u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* 0..n-1, from the upper half of what dice() gave. */
static inline __u32 dice_below(__u64 random, __u32 n)
{
	return (random >> 32) * n >> 32;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bounds for the verifier. A check in C may not survive the compiler, which
 * drops it where it knows the value, compares for equality, or checks a copy in
 * another register; and kernels differ in which of these they follow. These
 * functions bound the very register they return, in inline assembly that the
 * compiler can neither drop nor build upon.
 */
#ifndef SMTPXDP_BOUND_H
#define SMTPXDP_BOUND_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* i modulo n, a power of two: an index below n. */
static __always_inline __u64 bound_index(__u64 i, const __u64 n)
{
#ifdef __bpf__
	asm volatile("%0 &= %1" : "+r"(i) : "i"(n - 1));
	return i;
#else
	return i & (n - 1);
#endif
}

/*
 * Hides a loop's variable bound from the compiler. Beside a constant bound, it
 * may count down from the lesser, and the verifier, which does not know that
 * number, finds no end.
 */
static __always_inline __u64 bound_hide(__u64 n)
{
#ifdef __bpf__
	asm volatile("" : "+r"(n));
#endif
	return n;
}

/*
 * Hides a pointer that was checked against NULL. The compiler may do arithmetic
 * on it before the check, which the verifier refuses.
 */
#ifdef __bpf__
#define bound_pointer(p)                                                       \
	({                                                                     \
		__typeof__(p) p_ = (p);                                        \
                                                                               \
		asm volatile("" : "+r"(p_));                                   \
		p_;                                                            \
	})
#else
#define bound_pointer(p) (p)
#endif

/* bpf_loop() callbacks return 0 (go on) or 1 (end). */
#define LOOP_VERDICTS 2

/* A size for a helper: 1..max; all other values become 1. Helpers refuse 0. */
static __always_inline __u64 bound_size(__u64 size, const __u64 max)
{
#ifdef __bpf__
	asm volatile("if %0 > %1 goto +1\n\t"
		     "if %0 >= 1 goto +1\n\t"
		     "%0 = 1"
		     : "+r"(size)
		     : "i"(max));
	return size;
#else
	return size >= 1 && size <= max ? size : 1;
#endif
}

/* An offset or length of at most max; larger values become max. */
static __always_inline __u64 bound_most(__u64 x, const __u64 max)
{
#ifdef __bpf__
	asm volatile("if %0 <= %1 goto +1\n\t"
		     "%0 = %1"
		     : "+r"(x)
		     : "i"(max));
	return x;
#else
	return x <= max ? x : max;
#endif
}

#endif

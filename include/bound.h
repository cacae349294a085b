/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bounds that a verifier has to see. In C they do not last: a compiler that
 * knows that a value is small drops the check, or compares for equality, or
 * checks a copy in another register; and which of these a kernel's verifier
 * follows differs from release to release. What these functions return is
 * bounded by an instruction on the very register, and the compiler does not
 * know that it is, so it can neither drop the bound nor build upon it.
 */
#ifndef SMTPXDP_BOUND_H
#define SMTPXDP_BOUND_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* An index below n, a power of two: i modulo n. */
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
 * The second end of a loop that has a constant one, too. Where the compiler
 * sees both, it may count down from the lesser, and the verifier, to whom that
 * is no number it knows, sees no end.
 */
static __always_inline __u64 bound_hide(__u64 n)
{
#ifdef __bpf__
	asm volatile("" : "+r"(n));
#endif
	return n;
}

/*
 * A pointer that was found not to be NULL. The compiler may go on from it
 * before it looks whether it is, as that does no harm on a CPU; the verifier
 * allows no arithmetic on what may be NULL.
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

/* What a callback of bpf_loop() may return: go on, or end. */
#define LOOP_VERDICTS 2

/*
 * A size for a helper that reads or writes so many bytes: from 1, as helpers
 * refuse to take nothing, to max. What is out of that range becomes 1.
 */
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

/* An offset or a length of at most max; what is more becomes max. */
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the table of bans is read and written: in which order other CPUs see it.
 * Pure. A CPU of x86 or s390 reads in the order of the program; those of arm64,
 * ppc64le, riscv do not, unless they are told to:
 *
 * - BAN_LOAD() reads a field by a pointer, and whatever is then read by that
 *   pointer is read after it: the address depends on what was read, and no CPU
 *   that Linux runs on reads from an address that it has not got yet. A program
 *   has nothing else that is as cheap (a load that acquires exists since 6.15).
 *   What is added to it is 0: the verifier knows, and the compiler does not.
 * - ban_fence(): whatever is read after it is read after what was read before.
 * - BAN_SWAP() and BAN_FETCH_ADD() return a value, and so are full barriers, in
 *   programs (as Linux has it for such atomics) as in user space.
 * - BAN_ADD() and the like, BAN_WRITE(): in any order. A BAN_SWAP() behind them
 *   makes others see them first.
 */
#ifndef SMTPXDP_BAN_ORDER_H
#define SMTPXDP_BAN_ORDER_H

#include <linux/types.h>

/* Where other CPUs may come in between; the tests do. */
#ifndef BAN_STEP
#define BAN_STEP()
#endif

/* The tests have a memory of their own, which is as weak as one may be. */
#ifndef BAN_READ
#define BAN_READ(x) (*(const volatile __typeof__(x) *)&(x))
#define BAN_WRITE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define BAN_SWAP(p, old, new) __sync_val_compare_and_swap(p, old, new)
#define BAN_FETCH_ADD(p, n) __sync_fetch_and_add(p, n)
#define BAN_ADD(p, n) ((void)__sync_fetch_and_add(p, n))
#define BAN_AND(p, n) ((void)__sync_fetch_and_and(p, n))
#define BAN_OR(p, n) ((void)__sync_fetch_and_or(p, n))

#if !defined(__bpf__)
#define ban_fence() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define BAN_AFTER(p, v) ((void)(v), ban_fence(), (p))
#elif defined(__TARGET_ARCH_x86) || defined(__TARGET_ARCH_s390)
#define ban_fence() __asm__ volatile("" ::: "memory")
#define BAN_AFTER(p, v) ((void)(v), (p))
#else
static inline __attribute__((always_inline)) void ban_fence(void)
{
	__u64 own = 0, was = __sync_fetch_and_add(&own, 1);

	/* Else there were no need for what it returns, and no barrier. */
	__asm__ volatile("" ::"r"(&own), "r"(was) : "memory");
}

#define BAN_AFTER(p, v)                                                        \
	({                                                                     \
		__u64 zero_ = (v);                                             \
                                                                               \
		__asm__ volatile("%0 &= 0" : "+r"(zero_));                     \
		(__typeof__(p))((char *)(p) + zero_);                          \
	})
#endif
#endif

#define BAN_LOAD(p, field)                                                     \
	({                                                                     \
		__typeof__((p)->field) v_ = BAN_READ((p)->field);              \
                                                                               \
		(p) = BAN_AFTER(p, v_);                                        \
		v_;                                                            \
	})

#endif

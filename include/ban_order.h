/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order in which CPUs see reads and writes of the table of bans. Pure.
 *
 * x86 and s390 read in program order. arm64, ppc64le and riscv need help:
 *
 * - BAN_LOAD(p, field) reads a field, then changes p so that the address of
 *   every later read by p depends on the value read; no CPU that Linux runs on
 *   reads from an address it does not have yet. The change is to add 0: the
 *   verifier knows that, the compiler does not. Nothing else is as cheap in BPF
 *   (load-acquire exists since Linux 6.15).
 * - ban_fence() orders all earlier reads before all later ones.
 * - BAN_SWAP(), BAN_FETCH_ADD() and BAN_FETCH_OR() return a value and so are full
 *   barriers, in BPF programs as in user space.
 * - BAN_ADD(), BAN_AND(), BAN_OR() and BAN_WRITE() order nothing. A BAN_SWAP()
 *   behind them makes other CPUs see them first.
 */
#ifndef SMTPXDP_BAN_ORDER_H
#define SMTPXDP_BAN_ORDER_H

#include <linux/types.h>

/* Marks where another CPU's access may fall: tests run one there. */
#ifndef BAN_STEP
#define BAN_STEP()
#endif

/* Tests replace these by a model of the weakest memory allowed. */
#ifndef BAN_READ
#define BAN_READ(x) (*(const volatile __typeof__(x) *)&(x))
#define BAN_WRITE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define BAN_SWAP(p, old, new) __sync_val_compare_and_swap(p, old, new)
#define BAN_FETCH_ADD(p, n) __sync_fetch_and_add(p, n)
#define BAN_FETCH_OR(p, n) __sync_fetch_and_or(p, n)
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

	/* A use of the result: else clang emits an atomic without barrier. */
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

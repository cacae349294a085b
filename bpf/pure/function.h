/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pure functions that programs and unit tests share. In a BPF program they are
 * global ones: verified once, not per call; they must check their pointers.
 */
#ifndef SMTPXDP_FUNCTION_H
#define SMTPXDP_FUNCTION_H

#ifdef __bpf__
#define PURE_FUNCTION __attribute__((noinline, weak))
#else
#define PURE_FUNCTION static inline
#endif

#endif

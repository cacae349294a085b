/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PURE_FUNCTION: for functions that BPF programs, user space and unit tests
 * share. In a BPF program they are global: verified once, not per call, and so
 * they must check their pointers.
 */
#ifndef SMTPXDP_FUNCTION_H
#define SMTPXDP_FUNCTION_H

#ifdef __bpf__
#define PURE_FUNCTION __attribute__((noinline, weak))
#else
#define PURE_FUNCTION static inline
#endif

#endif

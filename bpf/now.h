/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF programs' clock: the kernel's, or with `replaying` that of a captured
 * file (user/cmd/replay.c). `replaying` is constant at load time, so the
 * verifier removes the other branch.
 */
#ifndef SMTPXDP_NOW_H
#define SMTPXDP_NOW_H

#include <stdbool.h>
#include <bpf/bpf_helpers.h>

/* Weak: each object file defines them, the linker merges them. */
const volatile bool replaying __weak = false;
__u64 replay_jiffies __weak;
__u64 replay_boot_ns __weak;

static __always_inline __u64 now_jiffies(void)
{
	return replaying ? replay_jiffies : bpf_jiffies64();
}

/* ns of CLOCK_BOOTTIME */
static __always_inline __u64 now_boot_ns(void)
{
	return replaying ? replay_boot_ns : bpf_ktime_get_boot_ns();
}

#endif

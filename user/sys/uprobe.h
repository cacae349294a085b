/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches programs to places in a file: by uprobe.multi (Linux 6.6), else by a
 * perf event for each place.
 */
#ifndef SMTPXDP_UPROBE_H
#define SMTPXDP_UPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * BPF_TRACE_UPROBE_MULTI, the attach type that the programs are loaded with.
 * Debian 12's headers do not name it.
 */
#define UPROBE_MULTI 48

/*
 * Does this kernel take uprobe.multi links from this process? If not, programs
 * must be loaded without UPROBE_MULTI, for later kernels refuse to attach those
 * with it to perf events.
 */
bool uprobe_multi_works(void);

/*
 * The cookie is passed to the program with each call (bpf_get_attach_cookie).
 */
struct uprobe_target {
	const char *path;
	const uint64_t *offsets;
	size_t n; /* up to UPROBE_PLACES_MAX */
	uint64_t cookie;
	bool at_return; /* at a function's return; else at entry */
};

#define UPROBE_PLACES_MAX 16

/*
 * Attaches a program. Returns how many fds (1..n) now hold the probes, or
 * -errno. uprobe.multi needs CAP_BPF and CAP_PERFMON only, perf events need
 * CAP_SYS_ADMIN.
 */
int uprobe_attach(int prog_fd, const struct uprobe_target *to, int *fds);

#endif

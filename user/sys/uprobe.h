/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes on places in a file: by uprobe.multi (Linux 6.6), else one by one. */
#ifndef SMTPXDP_UPROBE_H
#define SMTPXDP_UPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * BPF_TRACE_UPROBE_MULTI, which Debian 12's headers do not name: what the
 * programs are loaded for.
 */
#define UPROBE_MULTI 48

/*
 * Does this kernel take such links from us? If not, programs must be loaded
 * without UPROBE_MULTI: later kernels refuse to put those on perf events.
 */
bool uprobe_multi_works(void);

/* Places in a file, and what the program is told by its attach cookie. */
struct uprobe_target {
	const char *path;
	const uint64_t *offsets;
	size_t n; /* up to UPROBE_PLACES_MAX */
	uint64_t cookie;
	bool at_return; /* of the functions that are there; else at entry */
};

#define UPROBE_PLACES_MAX 16

/*
 * Puts a program there. Returns how many fds now hold the probes (1..n), or
 * -errno. uprobe.multi needs CAP_BPF and CAP_PERFMON only; one by one, they
 * need CAP_SYS_ADMIN.
 */
int uprobe_attach(int prog_fd, const struct uprobe_target *to, int *fds);

#endif

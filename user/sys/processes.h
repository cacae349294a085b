/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All processes that we can see, and the namespaces that they are in. */
#ifndef SMTPXDP_PROCESSES_H
#define SMTPXDP_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Calls fn for each process, by number, until it returns another number than 0.
 * Returns that, or 0, or -errno.
 */
int processes_each(int (*fn)(pid_t pid, void *ctx), void *ctx);

/*
 * The inode of a process's namespace of a kind: "mnt", "net". 0: the process has
 * ended.
 */
ino_t process_ns(pid_t pid, const char *kind);

/* When a process began, in ns of CLOCK_BOOTTIME. 0: it has ended. */
uint64_t process_began(pid_t pid);

/*
 * Has root made the network namespace of a process: is it of the user namespace
 * that this process is in? False: it has ended, too.
 */
bool process_netns_is_ours(pid_t pid);

#endif

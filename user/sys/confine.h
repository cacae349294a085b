/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a child process gives up before it reads what somebody who means harm
 * may have chosen. Each step returns 0 or -errno.
 */
#ifndef SMTPXDP_CONFINE_H
#define SMTPXDP_CONFINE_H

#include <stddef.h>

/* Where confine_files() leaves the two descriptors. */
#define CONFINE_FIRST 3
#define CONFINE_SECOND 4

/* Closes all other files: no lock of the parent's is held by its child. */
int confine_files(int first, int second);

/*
 * Closes all files but `keep` and what the kernel knows by no name, as maps and
 * links: no lock of the parent's is held by its child.
 */
int confine_named(int keep);

/*
 * Unmaps memory that is shared with the kernel or with files, as maps are: who
 * takes over the parser must not reach it.
 */
int confine_memory(void);

/*
 * Gives up sockets but those of IPv4 and IPv6: by others, services of this host
 * obey who has the daemon's user, root by hand. confine_rights() comes after it.
 */
int confine_sockets(void);

/*
 * Gives up all capabilities, and all system calls but these, by their numbers:
 * others fail with EPERM.
 */
int confine_rights(const int *calls, size_t n);

#endif

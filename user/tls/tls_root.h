/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS libraries where distributions keep them, below the root of a container:
 * they are probed before its mail server has one mapped, so that its first
 * session is seen.
 *
 * Who runs the container chooses what is there: no path leads out of its root
 * or onto another file system, and a root that a process serves (FUSE), which
 * could make us wait, is left alone.
 */
#ifndef SMTPXDP_TLS_ROOT_H
#define SMTPXDP_TLS_ROOT_H

#include <sys/types.h>

/* Called with an O_PATH descriptor and the path below the root. */
typedef void (*tls_root_fn)(int fd, const char *name, void *ctx);

/* Calls fn for each such library that the root of a process has. */
void tls_root_each(pid_t pid, tls_root_fn fn, void *ctx);

#endif

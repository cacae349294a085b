/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a file of which everything may be chosen by somebody who means harm: in
 * a child process, which has a limit of time, and while it parses, no
 * capabilities, no other open file, and few system calls.
 */
#ifndef SMTPXDP_CONFINED_H
#define SMTPXDP_CONFINED_H

#include <stddef.h>
#include <stdint.h>

/* A result must fit into one write to a pipe. */
#define CONFINED_RESULT_MAX 2048

/* Parses an open file of `size` bytes into *result. Returns 0 or -errno. */
typedef int (*confined_fn)(int fd, uint64_t size, void *result);

/*
 * Opens by O_PATH, which neither waits nor asks the file's driver or server for
 * anything; regular files alone are opened for reading, by the child. -errno.
 */
int confined_path(const char *path);

/*
 * Opens the file of an O_PATH descriptor for reading, and calls fn. Returns what
 * that returns; -EINVAL for anything but a regular file; -ENOTSUP for a file
 * that another process serves (FUSE), which could make every reader wait;
 * -ETIMEDOUT after `msec`: then the child is killed; -EPROTO if it died.
 */
int confined_read(int path_fd, confined_fn fn, void *result, size_t size,
		  int msec);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* May a program that the configuration names be run? */
#ifndef SMTPXDP_EXECUTABLE_H
#define SMTPXDP_EXECUTABLE_H

#include <stddef.h>

/*
 * 0 for a regular file that daemon_runs_as() may execute, which belongs, like
 * the folders above it, to root or the daemon's user, and which nobody else can
 * write to. Else -errno, and in `why` the thing, the cause and the remedy.
 */
int executable_check(const char *path, char *why, size_t size);

#endif

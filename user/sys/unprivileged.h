/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What root does with what strangers say, it does as the user nobody. */
#ifndef SMTPXDP_UNPRIVILEGED_H
#define SMTPXDP_UNPRIVILEGED_H

#include <stddef.h>

/*
 * Calls fn(result) in a child process without capabilities, which is the user
 * nobody if this process is root, and copies back the `size` bytes of *result.
 * 0; -EPROTO: the child died; -errno.
 */
int unprivileged_call(void (*fn)(void *result), void *result, size_t size);

#endif

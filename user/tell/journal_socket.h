/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* journald's socket, and what to do when nobody reads it. */
#ifndef SMTPXDP_JOURNAL_SOCKET_H
#define SMTPXDP_JOURNAL_SOCKET_H

#include <stdint.h>
#include <sys/uio.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/*
 * Sends the fields of a message, "NAME=value" each. -EAGAIN: journald does not
 * read, and the message is lost; waiting for it takes a tenth of the time, and a
 * second at once, at most. Or another -errno, as -ENOENT without journald.
 */
int journal_socket_send(const struct iovec *fields, int n);

#endif

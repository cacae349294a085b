/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What comes from the network, made fit for terminals and journals. Pure. */
#ifndef SMTPXDP_ESCAPE_H
#define SMTPXDP_ESCAPE_H

#include <stddef.h>

/* Room for n escaped bytes and the NUL. */
#define ESCAPED_SIZE(n) (4 * (n) + 1)

/*
 * Printable ASCII stays; a backslash doubles; all else (control characters,
 * bytes from 0x7f up) becomes \xNN. A line's end (CR, LF) at the very end is
 * left out. Returns buf.
 */
const char *escape(const void *bytes, size_t n, char *buf, size_t size);

/*
 * The same for what may be escaped already: a backslash stays as it is, and
 * so do lines' ends, as \x0a.
 */
const char *printable(const void *bytes, size_t n, char *buf, size_t size);

#endif

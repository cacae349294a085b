/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes bytes from the network safe for terminals and journals. Pure. */
#ifndef SMTPXDP_ESCAPE_H
#define SMTPXDP_ESCAPE_H

#include <stddef.h>

/* Buffer size for n escaped bytes and the NUL. */
#define ESCAPED_SIZE(n) (4 * (n) + 1)

/*
 * Copies n bytes to buf, as many as fit: printable ASCII as it is, a backslash
 * doubled, all others (control characters, 0x7f and up) as \xNN; without a
 * final CR, LF or CR LF. Returns buf.
 */
const char *escape(const void *bytes, size_t n, char *buf, size_t size);

/*
 * The same for text that may be escaped already: backslashes stay single, and a
 * final CR or LF becomes \xNN.
 */
const char *printable(const void *bytes, size_t n, char *buf, size_t size);

#endif

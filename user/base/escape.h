/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Makes untrusted text fit for terminals and journals. Pure. */
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
 * The same for text that may be escaped already: a backslash stays as it is,
 * and the lines' ends stay, too, as \x0a.
 */
const char *printable(const void *bytes, size_t n, char *buf, size_t size);

/*
 * Is this text fit to be a ban's reason? It must be so short that struct ban
 * holds it, and printable, so that no list or journal has to escape it. Returns
 * NULL, or what is wrong: "longer than 63 bytes", "not printable ASCII".
 */
const char *reason_fault(const char *reason);

#endif

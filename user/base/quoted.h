/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text in double quotes, where a backslash stands before " and \. Pure. */
#ifndef SMTPXDP_QUOTED_H
#define SMTPXDP_QUOTED_H

#include <stddef.h>

/* Buffer size for n quoted bytes and the NUL. */
#define QUOTED_SIZE(n) (2 * (n) + 3)

/* Returns buf, of at least QUOTED_SIZE(strlen(text)) bytes. */
const char *quoted_format(const char *text, char *buf);

/*
 * Reads the text that begins with a quote at *s, moves *s behind the other one,
 * and keeps as much as fits. Returns NULL, or what is wrong.
 */
const char *quoted_read(const char **s, char *buf, size_t size);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "escape.h"

#include <stdio.h>

static size_t without_line_end(const unsigned char *c, size_t n)
{
	if (n && c[n - 1] == '\n')
		n--;
	if (n && c[n - 1] == '\r')
		n--;
	return n;
}

const char *escape(const void *bytes, size_t n, char *buf, size_t size)
{
	const unsigned char *c = bytes;
	char *out = buf, *end = buf + size;

	n = bytes ? without_line_end(c, n) : 0;
	for (size_t i = 0; i < n && end - out > 4; i++) {
		if (c[i] == '\\')
			out += sprintf(out, "\\\\");
		else if (c[i] >= ' ' && c[i] <= '~')
			*out++ = c[i];
		else
			out += sprintf(out, "\\x%02x", c[i]);
	}
	*out = '\0';
	return buf;
}

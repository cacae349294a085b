// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "escape.h"

#include <stdio.h>
#include <string.h>

const char *escape(const void *bytes, size_t n, char *buf, size_t size)
{
	const unsigned char *p = bytes;
	size_t used = 0;

	if (n && p[n - 1] == '\n')
		n--;
	if (n && p[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n; i++) {
		char piece[5] = { p[i] };

		if (p[i] == '\\')
			piece[1] = '\\';
		else if (p[i] < ' ' || p[i] > '~')
			snprintf(piece, sizeof(piece), "\\x%02x", p[i]);
		if (used + strlen(piece) >= size)
			break;
		memcpy(buf + used, piece, strlen(piece));
		used += strlen(piece);
	}
	if (size)
		buf[used] = '\0';
	return buf;
}

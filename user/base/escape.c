// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ban.h"

static const char *convert(const unsigned char *p, size_t n, bool backslashes,
			   char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char piece[5] = { p[i] };

		if (p[i] == '\\' && backslashes)
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

const char *escape(const void *bytes, size_t n, char *buf, size_t size)
{
	const unsigned char *p = bytes;

	if (n && p[n - 1] == '\n')
		n--;
	if (n && p[n - 1] == '\r')
		n--;
	return convert(p, n, true, buf, size);
}

const char *printable(const void *bytes, size_t n, char *buf, size_t size)
{
	return convert(bytes, n, false, buf, size);
}

const char *reason_fault(const char *reason)
{
	if (strlen(reason) >= BAN_REASON_SIZE)
		return "longer than 63 bytes";
	for (; *reason; reason++)
		if (*reason < ' ' || *reason > '~')
			return "not printable ASCII";
	return NULL;
}

_Static_assert(BAN_REASON_SIZE == 64, "as the text says");

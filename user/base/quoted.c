// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/quoted.h"

const char *quoted_format(const char *text, char *buf)
{
	char *to = buf;

	*to++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '"';
	*to = '\0';
	return buf;
}

const char *quoted_read(const char **s, char *buf, size_t size)
{
	const char *at = *s + 1;
	size_t n = 0;

	for (; *at && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		else if (*at == '\\')
			return "a lone backslash in quotes";
		if (n < size - 1)
			buf[n++] = *at;
	}
	buf[n] = '\0';
	if (!*at)
		return "a quote that does not end";
	*s = at + 1;
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/proc_maps.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Takes digits, and the one byte that must follow. NULL: it is not so. */
static const char *number(const char *s, int base, char end, uint64_t *value)
{
	uint64_t v = 0;
	int n = 0;

	for (; isxdigit((unsigned char)*s); s++, n++) {
		int digit = isdigit((unsigned char)*s) ?
				    *s - '0' :
				    tolower((unsigned char)*s) - 'a' + 10;

		if (digit >= base || v > (UINT64_MAX - digit) / base)
			return NULL;
		v = v * base + digit;
	}
	*value = v;
	return n && *s == end ? s + 1 : NULL;
}

/* "r-xp " */
static const char *rights(const char *s, struct mapping *m)
{
	static const char *const letters[] = { "r-", "w-", "x-", "sp" };

	for (int i = 0; i < 4; i++)
		if (!s[i] || !strchr(letters[i], s[i]))
			return NULL;
	m->executable = s[2] == 'x';
	m->shared = s[3] == 's';
	return s[4] == ' ' ? s + 5 : NULL;
}

bool mapping_parse(const char *line, struct mapping *m)
{
	uint64_t offset, major, minor, inode;
	const char *s = number(line, 16, '-', &m->from);

	if (s)
		s = number(s, 16, ' ', &m->to);
	if (s)
		s = rights(s, m);
	if (s)
		s = number(s, 16, ' ', &offset);
	if (s)
		s = number(s, 16, ':', &major);
	if (s)
		s = number(s, 16, ' ', &minor);
	if (s)
		s = number(s, 10, ' ', &inode);
	if (!s || m->from >= m->to)
		return false;
	m->name = s + strspn(s, " ");
	return true;
}

bool mapping_line(FILE *maps, char *line, size_t size)
{
	while (fgets(line, size, maps)) {
		size_t n = strcspn(line, "\n");
		int c = line[n];

		line[n] = '\0';
		if (c == '\n')
			return true;
		do
			c = getc(maps);
		while (c != '\n' && c != EOF);
	}
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines of /proc/PID/maps, against a reader that goes from byte to byte.
 *
 * Bytes: 1024
 * Fuzzes: user/sys/proc_maps.c
 * Seeds: selftests/unit/test_tls_library.c
 */
#include <ctype.h>
#include <errno.h>

#include "fuzz/fuzz.h"
#include "sys/proc_maps.h"

#define LINE 200 /* a longer one is skipped */

READER_BEGINS
/* Takes digits up to `end`; false where they are none, or too many. */
static bool digits(const char **s, int base, char end, uint64_t *v)
{
	unsigned __int128 sum = 0;
	const char *from = *s;

	for (; isxdigit(**s) && (base == 16 || isdigit(**s)); ++*s) {
		int c = tolower(**s);

		sum = sum * base + (c > '9' ? c - 'a' + 10 : c - '0');
		if (sum > UINT64_MAX)
			return false;
	}
	*v = sum;
	return *s > from && (!end || *(*s)++ == end);
}

/*
 * As mapping_parse(), but only its result; it is told what that one says:
 * "FROM-TO rwxs OFFSET MAJOR:MINOR INODE   NAME".
 */
static bool is_mapping(const char *s, const struct mapping *said)
{
	uint64_t from, to, v;
	const char *rights;

	if (!digits(&s, 16, '-', &from) || !digits(&s, 16, ' ', &to))
		return false;
	rights = s;
	for (int i = 0; i < 4; i++, s++)
		if (!*s || !strchr(&"r-\0w-\0x-\0sp"[i * 3], *s))
			return false;
	if (*s++ != ' ' || !digits(&s, 16, ' ', &v) ||
	    !digits(&s, 16, ':', &v) || !digits(&s, 16, ' ', &v) ||
	    !digits(&s, 10, '\0', &v) || *s != ' ' || from >= to)
		return false;
	while (*s == ' ')
		s++;
	must(said->from == from && said->to == to);
	must(said->executable == (rights[2] == 'x'));
	must(said->shared == (rights[3] == 's'));
	must(!strcmp(said->name, s));
	return true;
}

/* The next whole line that fits, as mapping_line() is to find it, or NULL. */
static char *next_line(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *lf, *from;

	while ((lf = memchr(*at, '\n', end - *at))) {
		from = *at;
		*at = lf + 1;
		if (lf - from < LINE - 1)
			return strndup((const char *)from, lf - from);
	}
	return NULL;
}

READER_ENDS

static void fuzz(struct input *in)
{
	const uint8_t *at = in->at, *end = in->at + in->left;
	char line[LINE], *want;
	FILE *f;

	/* a kernel's file has no zeros */
	if (!in->left || memchr(in->at, 0, in->left))
		return;
	f = stream_of(in);
	while (mapping_line(f, line, sizeof(line))) {
		struct mapping m;
		bool ok;

		want = next_line(&at, end);
		must(want && !strcmp(line, want));
		free(want);
		ok = mapping_parse(line, &m);
		must(is_mapping(line, &m) == ok);
	}
	must(!next_line(&at, end));
}

/* This process's own. */
static void seeds(void)
{
	char text[4096];
	FILE *f = fopen("/proc/self/maps", "r");

	must(f);
	seed(text, fread(text, 1, sizeof(text), f));
	fclose(f);
	f = fopen("/proc/self/maps", "r");
	while (fgets(text, sizeof(text), f))
		seed(text, strlen(text));
	fclose(f);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lines of /proc/PID/maps, against a regular expression.
 *
 * Fuzzes: user/sys/proc_maps.c
 * Seeds: selftests/unit/test_tls_library.c
 */
#include <errno.h>
#include <regex.h>
#include <strings.h>

#include "fuzz/fuzz.h"
#include "sys/proc_maps.h"

#define LINE 200 /* a longer one is skipped */

static const char *const shape =
	"^([0-9a-f]+)-([0-9a-f]+) [r-][w-]([x-])[sp] ([0-9a-f]+) "
	"([0-9a-f]+):([0-9a-f]+) ([0-9]+) +([^ ].*)?$";

static bool fits(const char *line, const regmatch_t *m, int base, uint64_t *v)
{
	errno = 0;
	*v = strtoull(line + m->rm_so, NULL, base);
	return !errno;
}

/* As mapping_parse(), but only its result; it is told what that one says. */
static bool is_mapping(const char *line, const struct mapping *said)
{
	static regex_t wanted;
	static bool ready;
	regmatch_t m[9];
	uint64_t from, to, v;

	must(ready || !regcomp(&wanted, shape, REG_EXTENDED | REG_ICASE));
	ready = true;
	/* letters of rights are small; those of numbers need not be */
	if (regexec(&wanted, line, ARRAY_SIZE(m), m, 0) ||
	    strpbrk(strndupa(line + m[3].rm_so - 2, 4), "RWXSP"))
		return false;
	if (!fits(line, &m[1], 16, &from) || !fits(line, &m[2], 16, &to) ||
	    !fits(line, &m[4], 16, &v) || !fits(line, &m[5], 16, &v) ||
	    !fits(line, &m[6], 16, &v) || !fits(line, &m[7], 10, &v) ||
	    from >= to)
		return false;
	must(said->from == from && said->to == to);
	must(said->executable == (line[m[3].rm_so] == 'x'));
	must(said->shared == (line[m[3].rm_so + 1] == 's'));
	must(!strcmp(said->name, m[8].rm_so < 0 ? "" : line + m[8].rm_so));
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

static void fuzz(struct input *in)
{
	const uint8_t *at = in->at, *end = in->at + in->left;
	char line[LINE], *want;
	FILE *f;

	/* a kernel's file has no zeros */
	if (!in->left || memchr(in->at, 0, in->left))
		return;
	f = fmemopen((void *)in->at, in->left, "r");
	must(f);
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
	fclose(f);
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

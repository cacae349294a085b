// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "settings.h"

#define DURATION_MAX (100 * 365 * 86400ULL)

static const struct {
	char name;
	uint32_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

#define N_UNITS (sizeof(units) / sizeof(units[0]))

/*
 * Reads digits into *n and returns the rest. Numbers above DURATION_MAX become
 * DURATION_MAX + 1.
 */
static const char *parse_digits(const char *s, uint64_t *n)
{
	for (*n = 0; isdigit((unsigned char)*s); s++) {
		*n = *n * 10 + (*s - '0');
		if (*n > DURATION_MAX)
			*n = DURATION_MAX + 1;
	}
	return s;
}

int duration_parse(const char *s, uint64_t *seconds)
{
	uint64_t n, total = 0;
	size_t unit = 0;
	const char *end = parse_digits(s, &n);

	if (end != s && !*end) {
		total = n;
		s = end;
	} else if (!*s) {
		return -EINVAL;
	}
	for (; *s; s = end + 1) {
		end = parse_digits(s, &n);
		/* Units once each, in falling order: 30m1h is a slip. */
		while (unit < N_UNITS && units[unit].name != *end)
			unit++;
		if (end == s || unit == N_UNITS)
			return -EINVAL;
		total += n * units[unit++].seconds;
		if (total > DURATION_MAX)
			total = DURATION_MAX + 1;
	}
	if (total > DURATION_MAX)
		return -ERANGE;
	*seconds = total;
	return 0;
}

const char *duration_format(uint64_t seconds, char buf[static DURATION_TEXT])
{
	size_t used = 0;

	for (size_t i = 0; i < N_UNITS; i++) {
		uint64_t n = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (n)
			used += snprintf(buf + used, DURATION_TEXT - used,
					 "%llu%c", (unsigned long long)n,
					 units[i].name);
	}
	if (!used)
		strcpy(buf, "0s");
	return buf;
}

int rate_parse(const char *s, uint32_t *failures, uint32_t *seconds, char *err,
	       size_t size)
{
	char shown[64];
	uint64_t n, time = 0;
	const char *end = parse_digits(s, &n);
	int ret = -EINVAL;

	escape(s, strlen(s), shown, sizeof(shown));
	if (end != s && *end == '/')
		ret = duration_parse(end + 1, &time);
	if (ret == -EINVAL)
		snprintf(err, size,
			 "\"%s\" is not FAILURES/TIME: write it like 10/120s "
			 "or 5/10m",
			 shown);
	else if (n < 1 || n > RATE_MAX)
		snprintf(err, size,
			 "\"%s\": the number of failures must be 1 to %d",
			 shown, RATE_MAX);
	else if (ret || time < WINDOW_MIN || time > WINDOW_MAX)
		snprintf(err, size, "\"%s\": the time must be %ds to %dd",
			 shown, WINDOW_MIN, WINDOW_MAX / 86400);
	else {
		*failures = n;
		*seconds = time;
		return 0;
	}
	return -EINVAL;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "duration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "settings.h"

#define DURATION_MAX (100ULL * 365 * 86400)

static const struct {
	char letter;
	uint64_t seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

#define UNITS (sizeof(units) / sizeof(*units))

/* Digits at *s; how many there were. A number too large stays too large. */
static size_t take_number(const char **s, uint64_t *n)
{
	const char *start = *s;

	for (*n = 0; **s >= '0' && **s <= '9'; (*s)++)
		if (*n <= DURATION_MAX)
			*n = 10 * *n + (**s - '0');
	return *s - start;
}

int duration_parse(const char *s, uint64_t *seconds)
{
	uint64_t n, sum = 0;
	size_t next = 0; /* units must go down: 1h30m, not 30m1h */

	if (!take_number(&s, &n))
		return -EINVAL;
	if (!*s) {
		*seconds = n;
		return n > DURATION_MAX ? -ERANGE : 0;
	}
	for (;;) {
		while (next < UNITS && units[next].letter != *s)
			next++;
		if (next == UNITS)
			return -EINVAL;
		if (n > DURATION_MAX / units[next].seconds)
			return -ERANGE;
		sum += n * units[next++].seconds;
		if (sum > DURATION_MAX)
			return -ERANGE;
		if (!*++s)
			break;
		if (!take_number(&s, &n))
			return -EINVAL;
	}
	*seconds = sum;
	return 0;
}

const char *duration_format(uint64_t seconds, char buf[static DURATION_TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < UNITS; i++) {
		uint64_t count = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (count)
			n += snprintf(buf + n, DURATION_TEXT - n, "%llu%c",
				      (unsigned long long)count,
				      units[i].letter);
	}
	if (!n)
		strcpy(buf, "0s");
	return buf;
}

int rate_parse(const char *s, uint32_t *failures, uint32_t *seconds, char *err,
	       size_t size)
{
	char shown[ESCAPED_SIZE(64)];
	uint64_t n, window;
	const char *p = s;

	escape(s, strnlen(s, 64), shown, sizeof(shown));
	if (!take_number(&p, &n) || *p != '/' ||
	    duration_parse(p + 1, &window)) {
		snprintf(err, size,
			 "'%s' is not a rate like 10/120s: failures/time",
			 shown);
		return -EINVAL;
	}
	if (n < 1 || n > RATE_MAX) {
		snprintf(err, size, "'%s': 1 to %d failures can be counted",
			 shown, RATE_MAX);
		return -EINVAL;
	}
	if (window < WINDOW_MIN || window > WINDOW_MAX) {
		snprintf(err, size, "'%s': the time must be 1s to 7d", shown);
		return -EINVAL;
	}
	*failures = n;
	*seconds = window;
	return 0;
}

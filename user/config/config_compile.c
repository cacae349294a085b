// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_compile.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/config_who.h"

#define TICK_MIN_MSEC 10

static int by_length(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return (int)y->len - (int)x->len;
}

static void finish_texts(struct settings *s)
{
	qsort(s->texts, s->n_texts, sizeof(*s->texts), by_length);
	for (uint32_t i = 0; i < s->n_texts; i++) {
		const char *t = (const char *)s->texts[i].bytes;

		s->codes[100 * (t[0] - '0') + 10 * (t[1] - '0') + t[2] - '0'] |=
			CODE_HAS_TEXT;
	}
}

static void limit_ticks(struct limit *l, unsigned int hz, unsigned int shift)
{
	l->ticks = ((uint64_t)l->sec * hz + (1U << shift) / 2) >> shift;
}

static void finish_times(struct settings *s, unsigned int hz)
{
	while ((1000U << s->tick_shift) / hz < TICK_MIN_MSEC)
		s->tick_shift++;
	limit_ticks(&s->slow, hz, s->tick_shift);
	limit_ticks(&s->net[0], hz, s->tick_shift);
	limit_ticks(&s->net[1], hz, s->tick_shift);
	limit_ticks(&s->brake, hz, s->tick_shift);
	limit_ticks(&s->account, hz, s->tick_shift);
	limit_ticks(&s->as, hz, s->tick_shift);
	for (int i = 0; i < POLICIES_MAX; i++) {
		struct policy *p = &s->policy[i];

		limit_ticks(&p->rate, hz, s->tick_shift);
		p->ban_jiffies = (uint64_t)p->ban_sec * hz;
	}
}

/* Countries and AS numbers mean nothing without a database. */
static int check_geo(char *const *values, const struct why *why)
{
	static const enum config_key keys[] = { KEY_STRICT_COUNTRIES,
						KEY_LENIENT_COUNTRIES,
						KEY_STRICT_ASNS,
						KEY_RATED_ASNS };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (*values[keys[i]] && !*values[KEY_GEO_DATABASES])
			return invalid(why,
				       "%s needs a database that knows them: "
				       "set geo-databases first",
				       config_keys[keys[i]].name);
	return 0;
}

int settings_parse(char *const *values, struct settings *s,
		   const struct why *why)
{
	int err = check_geo(values, why);

	memset(s, 0, sizeof(*s));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = config_take(k, values[k], s, why);
	return err;
}

void settings_finish(struct settings *s, unsigned int hz)
{
	finish_times(s, hz);
	who_finish(s);
	finish_texts(s);
}

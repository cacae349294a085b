// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/stamp.h"

#include <string.h>

/* Rounding, and what a clock is slewed in a while, is no step. */
#define STEP_MIN 2
/* Earlier than this, nobody has set the clock. */
#define YEAR_2020 1577836800LL
/* Times that nobody means: sums of two of them must not overflow. */
#define TIME_LIMIT (INT64_MAX / 8)

static int64_t clamp(int64_t n, int64_t min, int64_t max)
{
	return n < min ? min : n > max ? max : n;
}

static int64_t sane(int64_t t)
{
	return clamp(t, -TIME_LIMIT, TIME_LIMIT);
}

/*
 * A container that starts anew may get another boot id (systemd-nspawn's do),
 * but the boot clock goes on. After a real boot, the two clocks do not stand to
 * each other as before; unless the wall clock was never set.
 */
static bool same_boot(const struct moment *then, const struct moment *now)
{
	int64_t drift = sane(now->wall) - sane(then->wall) -
			(sane(now->boot) - sane(then->boot));

	return !strcmp(then->boot_id, now->boot_id) ||
	       (then->wall > YEAR_2020 && now->boot >= then->boot &&
		drift < STEP_MIN && drift > -STEP_MIN);
}

int64_t moment_elapsed(const struct moment *then, const struct moment *now)
{
	int64_t elapsed = same_boot(then, now) ?
				  sane(now->boot) - sane(then->boot) :
				  sane(now->wall) - sane(then->wall);
	int64_t least = same_boot(then, now) ? 0 : now->boot;

	return clamp(elapsed, least, TIME_LIMIT);
}

int64_t moment_step(const struct moment *then, const struct moment *now)
{
	int64_t step =
		sane(now->wall) - sane(then->wall) - moment_elapsed(then, now);

	return step < STEP_MIN && step > -STEP_MIN ? 0 : step;
}

int64_t moment_until(const struct moment *then, const struct moment *now,
		     int64_t time)
{
	return sane(time) - sane(then->wall) - sane(moment_elapsed(then, now));
}

int64_t moment_remaining(const struct moment *then, const struct moment *now,
			 int64_t since, int64_t until, int64_t most)
{
	int64_t all = sane(until) - sane(since);
	int64_t left = moment_until(then, now, until);
	int64_t longest = all - sane(moment_elapsed(then, now));

	/* It began before `then`, or the clock was set between the two. */
	return clamp(left < longest ? left : longest, 0, most);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/stamp.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "maps/settings_map.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define NSEC 1000000000LL

/* Less comes of rounding, or of a clock that is slewed: that is no step. */
#define STEP_MIN 2
/* A clock that shows an earlier time was never set. */
#define YEAR_2020 1577836800LL
/* Times beyond this are clamped, so that sums of two cannot overflow. */
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
 * but its boot clock goes on, and the two clocks keep their distance. A real
 * boot changes that distance; unless the wall clock was never set.
 */
static bool same_boot(const struct stamp *then, const struct stamp *now)
{
	int64_t drift = sane(now->wall) - sane(then->wall) -
			(sane(now->boot) - sane(then->boot));

	return !strcmp(then->boot_id, now->boot_id) ||
	       (then->wall > YEAR_2020 && now->boot >= then->boot &&
		drift < STEP_MIN && drift > -STEP_MIN);
}

int64_t stamp_elapsed(const struct stamp *then, const struct stamp *now)
{
	int64_t elapsed = same_boot(then, now) ?
				  sane(now->boot) - sane(then->boot) :
				  sane(now->wall) - sane(then->wall);
	int64_t least = same_boot(then, now) ? 0 : now->boot;

	return clamp(elapsed, least, TIME_LIMIT);
}

int64_t stamp_step(const struct stamp *then, const struct stamp *now)
{
	int64_t step =
		sane(now->wall) - sane(then->wall) - stamp_elapsed(then, now);

	return step < STEP_MIN && step > -STEP_MIN ? 0 : step;
}

int64_t stamp_until(const struct stamp *then, const struct stamp *now,
		    int64_t time)
{
	return sane(time) - sane(then->wall) - sane(stamp_elapsed(then, now));
}

int64_t stamp_remaining(const struct stamp *then, const struct stamp *now,
			int64_t since, int64_t until, int64_t most)
{
	int64_t all = sane(until) - sane(since);
	int64_t left = stamp_until(then, now, until);
	int64_t longest = all - sane(stamp_elapsed(then, now));

	/* They differ where `since` is before `then`, or the clock was set. */
	return clamp(left < longest ? left : longest, 0, most);
}

int read_boot_id(char id[static BOOT_ID_SIZE])
{
	FILE *f = fopen(BOOT_ID, "re");
	bool got = f && fgets(id, BOOT_ID_SIZE, f);

	if (f)
		fclose(f);
	return got ? 0 : -EIO;
}

/* The one that the daemon has told, if one has: a file is stamped with that. */
static int boot_id_of(const struct pins *p, char id[static BOOT_ID_SIZE])
{
	struct daemon_info *info = malloc(sizeof(*info));
	bool told = info && !daemon_read(p, info) && *info->boot_id;

	if (told)
		snprintf(id, BOOT_ID_SIZE, "%s", info->boot_id);
	free(info);
	return told ? 0 : read_boot_id(id);
}

int state_clock_read(const struct pins *p, struct state_clock *now)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int err;

	*now = (struct state_clock){};
	err = clock_read(p->prog[PROG_CLOCK], &now->clock);
	if (!err && bpf_obj_get_info_by_fd(p->map[MAP_BANS], &info, &len))
		err = -errno;
	if (!err)
		err = boot_id_of(p, now->stamp.boot_id);
	now->stamp.map_id = info.id;
	now->stamp.boot = now->clock.boot_ns / NSEC;
	now->stamp.wall = time(NULL);
	return err;
}

int64_t wall_of_boot(const struct state_clock *now, int64_t boot_ns)
{
	return now->stamp.wall - ((int64_t)now->clock.boot_ns - boot_ns) / NSEC;
}

bool same_maps(const struct stamp *a, const struct stamp *b)
{
	return a->map_id == b->map_id && !strcmp(a->boot_id, b->boot_id);
}

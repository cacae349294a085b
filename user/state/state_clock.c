// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/state_clock.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define NSEC 1000000000LL

static int read_boot_id(char id[static BOOT_ID_SIZE])
{
	FILE *f = fopen(BOOT_ID, "re");
	bool got = f && fgets(id, BOOT_ID_SIZE, f);

	if (f)
		fclose(f);
	return got ? 0 : -EIO;
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
		err = read_boot_id(now->moment.boot_id);
	now->moment.map_id = info.id;
	now->moment.boot = now->clock.boot_ns / NSEC;
	now->moment.wall = time(NULL);
	return err;
}

int64_t wall_of_boot(const struct state_clock *now, int64_t boot_ns)
{
	return now->moment.wall -
	       ((int64_t)now->clock.boot_ns - boot_ns) / NSEC;
}

bool same_maps(const struct moment *a, const struct moment *b)
{
	return a->map_id == b->map_id && !strcmp(a->boot_id, b->boot_id);
}

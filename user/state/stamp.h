/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stamp of the state file: when it was written, by which clocks, and which
 * maps it mirrors. A later reader, perhaps after a reboot, learns from it how
 * much time has passed, although the wall clock may have been wrong at either
 * time. Pure, but for state_clock_read().
 */
#ifndef SMTPXDP_STAMP_H
#define SMTPXDP_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "ban.h"
#include "daemon.h"
#include "maps/pins.h"

struct stamp {
	char boot_id[BOOT_ID_SIZE]; /* another one after each boot */
	uint32_t map_id; /* of map bans */
	int64_t wall; /* seconds of CLOCK_REALTIME */
	int64_t boot; /* seconds of CLOCK_BOOTTIME */
};

/*
 * Seconds from `then` to `now`, never negative. Within one boot, also of a host
 * on which a container was started again, the boot clock tells, whatever the
 * wall clock was set to. Across boots the wall clock tells; but if that went
 * back (a machine without a battery starts in 1970), only the time since the
 * boot counts: how long the machine was off is not known.
 */
int64_t stamp_elapsed(const struct stamp *then, const struct stamp *now);

/* By how many seconds the wall clock was set between the two; 0 if unknown. */
int64_t stamp_step(const struct stamp *then, const struct stamp *now);

/*
 * Seconds from `now` until a time that was noted by the wall clock of `then`;
 * negative if it is past.
 */
int64_t stamp_until(const struct stamp *then, const struct stamp *now,
		    int64_t time);

/*
 * The seconds that remain `now` of a ban that lasts from `since` to `until` by
 * the wall clock of `then`; 0 if it is over. Never more than the whole ban, nor
 * than `most`.
 */
int64_t stamp_remaining(const struct stamp *then, const struct stamp *now,
			int64_t since, int64_t until, int64_t most);

/* The time now, by the clocks of stamps and of bans. */
struct state_clock {
	struct stamp stamp;
	struct clock_pair clock;
};

/* Reads which boot this is. -errno. */
int read_boot_id(char id[static BOOT_ID_SIZE]);

/* Reads all clocks, and the id of these maps. -errno. */
int state_clock_read(const struct pins *p, struct state_clock *now);

/* The wall clock's second at which the boot clock is, or was, at boot_ns. */
int64_t wall_of_boot(const struct state_clock *now, int64_t boot_ns);

/* Do both stamps name the same maps, of the same boot? */
bool same_maps(const struct stamp *a, const struct stamp *b);

#endif

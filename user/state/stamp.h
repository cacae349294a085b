/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much time passed between two moments, of which the first may have been
 * before a reboot, and the wall clock been wrong at either. Pure.
 */
#ifndef SMTPXDP_STAMP_H
#define SMTPXDP_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#define BOOT_ID_SIZE 37

struct moment {
	char boot_id[BOOT_ID_SIZE]; /* of this boot of the kernel, and no other
				     */
	uint32_t map_id; /* of the map that was mirrored */
	int64_t wall; /* seconds of CLOCK_REALTIME */
	int64_t boot; /* seconds of CLOCK_BOOTTIME */
};

/*
 * Seconds from `then` to `now`, never negative. Within one boot (also of a host,
 * seen from a container that was started again) by the boot
 * clock, whatever the wall clock was set to. Else by the wall clock; but if
 * that went back (a machine without a battery starts in 1970), only what
 * this boot has lasted is known to have passed: the time that the machine was
 * off does not count.
 */
int64_t moment_elapsed(const struct moment *then, const struct moment *now);

/* By how much the wall clock was set meanwhile, so far as is known. */
int64_t moment_step(const struct moment *then, const struct moment *now);

/*
 * Seconds from `now` until a time by the wall clock of `then`; negative if it
 * is past.
 */
int64_t moment_until(const struct moment *then, const struct moment *now,
		     int64_t time);

/*
 * What remains `now` of something that lasts from `since` to `until` by the
 * wall clock of `then`, in seconds; 0 if it is over. Never more than all of it,
 * nor than `most`.
 */
int64_t moment_remaining(const struct moment *then, const struct moment *now,
			 int64_t since, int64_t until, int64_t most);

#endif

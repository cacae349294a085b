/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What time it is, by every clock that bans are measured with. */
#ifndef SMTPXDP_STATE_CLOCK_H
#define SMTPXDP_STATE_CLOCK_H

#include "ban.h"
#include "state/stamp.h"
#include "maps/pins.h"

struct state_clock {
	struct moment moment;
	struct clock_pair clock;
};

int state_clock_read(const struct pins *p, struct state_clock *now);

/* Seconds of the wall clock at which the boot clock was, or is, at boot_ns. */
int64_t wall_of_boot(const struct state_clock *now, int64_t boot_ns);

/* Do both know the same maps, of the same boot? */
bool same_maps(const struct moment *a, const struct moment *b);

#endif

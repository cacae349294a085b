/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows from an event. Pure. */
#ifndef SMTPXDP_POLICY_H
#define SMTPXDP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "history.h"
#include "settings.h"

struct decision {
	bool ban; /* write the final ban; else the event is only told */
	uint32_t seconds; /* how long it holds, or would */
	uint32_t offence; /* of this client, from 1 */
};

/* h: what is remembered of the client; offences are 0 if nothing is. */
struct decision policy_decide(const struct event *e, const struct settings *s,
			      const struct history *h);

/*
 * Seconds that a client is banned for its nth offence, n from 1, where the
 * first one takes `base`: multiplied by ban-factor each time, up to ban-max.
 * Never less than base, were it longer than ban-max.
 */
uint32_t policy_ban_time(const struct settings *s, uint32_t base, uint32_t n);

/* CLOCK_BOOTTIME ns from which on nobody remembers. */
int64_t policy_forgotten_at(const struct settings *s, const struct history *h);

#endif

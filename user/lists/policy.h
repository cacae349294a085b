/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides about bans: whether an event leads to one, and for how long. Pure. */
#ifndef SMTPXDP_POLICY_H
#define SMTPXDP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "history.h"
#include "settings.h"

struct decision {
	bool ban; /* write the final ban; else only tell the event */
	uint32_t seconds; /* how long that ban holds, or would */
	uint32_t offence; /* the client's nth, from 1 */
};

/* Decides by the client's past in *h, which has 0 offences if there is none. */
struct decision policy_decide(const struct event *e, const struct settings *s,
			      const struct history *h);

/*
 * The seconds of a ban for a client's nth offence, n from 1: `base`, multiplied
 * by ban-factor for each earlier one, up to ban-max. A base beyond ban-max
 * stays.
 */
uint32_t policy_ban_time(const struct settings *s, uint32_t base, uint32_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows from an event. Pure. */
#ifndef SMTPXDP_POLICY_H
#define SMTPXDP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

struct decision {
	bool ban;	  /* write the final ban; else the event is only told */
	uint32_t seconds; /* how long it holds, or would */
};

struct decision policy_decide(const struct event *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Alarms of clients that look like a webmail: many accounts log in from there. */
#ifndef SMTPXDP_ALARMS_FRONTS_H
#define SMTPXDP_ALARMS_FRONTS_H

#include "base/clock.h"
#include "show/checkup.h"

void alarms_fronts(struct checkup *c, const struct clock_pair *now);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Alarms about where clients of the mail ports come in. */
#ifndef SMTPXDP_ALARMS_WAYS_H
#define SMTPXDP_ALARMS_WAYS_H

#include "show/checkup.h"

/* Adds the problems to c->problems. */
void alarms_ways(struct checkup *c, uint64_t boot_ns);

#endif

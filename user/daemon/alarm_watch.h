/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells the journal of alarms (show/alarms.h): when one begins, when it ends. */
#ifndef SMTPXDP_ALARM_WATCH_H
#define SMTPXDP_ALARM_WATCH_H

#include <jansson.h>

#include "config/config.h"
#include "maps/pins.h"

struct alarm_watch {
	json_t *told; /* the problems that last were */
};

/* Looks, and tells what is new. Call it every second. */
void alarm_watch(struct pins *p, const struct config *config,
		 struct alarm_watch *w);
void alarm_watch_free(struct alarm_watch *w);

#endif

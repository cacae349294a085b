/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The program of on-event, and the bans that it has yet to be run for: one at a
 * time, so many as on-event-rate says, the rest is counted.
 */
#ifndef SMTPXDP_ON_EVENT_H
#define SMTPXDP_ON_EVENT_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "maps/pins.h"
#include "settings.h"

#define ON_EVENT_QUEUE 64

struct record;

/* A message that is told at once, and then seldom: how often it was not. */
struct seldom {
	uint64_t not_before; /* us, CLOCK_MONOTONIC */
	uint32_t untold;
};

/* All zero at first; it takes bans before it is started, too. */
struct on_event {
	struct pins *pins;
	sd_event *event;
	sd_event_source *io; /* NULL: nothing runs */
	int fd; /* see supervised_start() */
	struct on_event_ban {
		char **env;
		struct net net;
	} queue[ON_EVENT_QUEUE], now; /* `now`: the one that it runs for */
	size_t first, n;
	uint64_t taken[RATE_MAX]; /* when the last were; a ring */
	size_t n_taken;
	struct seldom failed, skipped;
};

/* Tells if the program that is set cannot be run. */
void on_event_start(struct on_event *o, sd_event *e, struct pins *p);

/* Ends the program; the bans that wait are dropped, and told of. */
void on_event_stop(struct on_event *o);

/*
 * Takes a ban: of a client or network that was banned before, and never logged
 * in, as far as that is remembered.
 */
void on_event_ban(struct on_event *o, struct pins *p, const struct record *r);

/* Tells if the program that is set cannot be run: after a reload. */
void on_event_check(const struct pins *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map activity: does the daemon live, and what was told to the journal? */
#ifndef SMTPXDP_ACTIVITY_MAP_H
#define SMTPXDP_ACTIVITY_MAP_H

#include <stdint.h>

#include "activity.h"
#include "tell/messages.h"
#include "maps/pins.h"

enum daemon_state {
	DAEMON_DEAD, /* nobody holds its lock */
	DAEMON_STARTING, /* has not come to its loop yet */
	DAEMON_HUNG, /* its loop has not turned for HUNG_SEC */
	DAEMON_SERVES,
};

#define HUNG_SEC 10

enum daemon_state daemon_state(const struct pins *p);

/* By the daemon: it begins to start; its loop turns. */
void activity_begin(struct pins *p);
void activity_beat(struct pins *p);

/* Can the state be saved? By the daemon; and for who asks. */
void activity_saves(struct pins *p, bool yes);
bool activity_is_saved(const struct pins *p);

/*
 * A command asks the daemon to save everything, and gets a number: it is done
 * when activity_saved() has come to it. The daemon reads activity_asked()
 * before it looks at the maps, and then tells it by activity_set_saved().
 */
uint64_t activity_ask_save(struct pins *p);
uint64_t activity_asked(const struct pins *p);
void activity_set_saved(struct pins *p, uint64_t asked);
uint64_t activity_saved(const struct pins *p);

/* How many messages of a kind, since the maps were made. */
uint64_t activity_told(const struct pins *p, enum message kind);

#endif

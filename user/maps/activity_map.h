/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map activity: whether the daemon serves, whether it has saved the state, and
 * how many messages the journal was told.
 */
#ifndef SMTPXDP_ACTIVITY_MAP_H
#define SMTPXDP_ACTIVITY_MAP_H

#include <stdint.h>

#include "activity.h"
#include "tell/messages.h"
#include "maps/pins.h"

enum daemon_state {
	DAEMON_DEAD, /* no process holds its lock */
	DAEMON_STARTING, /* its loop has not turned yet */
	DAEMON_HUNG, /* its loop has not turned for HUNG_SEC */
	DAEMON_SERVES,
};

#define HUNG_SEC 10

enum daemon_state daemon_state(const struct pins *p);

/* The daemon calls these when it begins to start, and when its loop turns. */
void activity_begin(struct pins *p);
void activity_beat(struct pins *p);

/* The daemon notes whether it can save the state; others ask. */
void activity_saves(struct pins *p, bool yes);
bool activity_is_saved(const struct pins *p);

/*
 * A command asks the daemon to save everything, and gets a number: the save is
 * done when activity_saved() has reached it. The daemon reads activity_asked()
 * before it reads the maps, and hands that number to activity_set_saved() when
 * it has saved them.
 */
uint64_t activity_ask_save(struct pins *p);
uint64_t activity_asked(const struct pins *p);
void activity_set_saved(struct pins *p, uint64_t asked);
uint64_t activity_saved(const struct pins *p);

/* The messages of a kind that were told since the maps were made. */
uint64_t activity_told(const struct pins *p, enum message kind);

#endif

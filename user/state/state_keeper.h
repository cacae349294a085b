/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's keeper of the state file: restores from it, then saves changes
 * within a second. A thread of its own does that, so that a slow disk does not
 * stop the daemon. A fault is told once, and so is its end.
 */
#ifndef SMTPXDP_STATE_KEEPER_H
#define SMTPXDP_STATE_KEEPER_H

#include "config/config.h"
#include "maps/pins.h"

#define STATE_DEFAULT_DIR "/var/lib/smtpxdp"

struct state_keeper;

/*
 * Makes a keeper for a folder, and locks that. NULL, complained by fail(),
 * where another daemon keeps its state there.
 */
struct state_keeper *state_keeper_new(const char *dir);
void state_keeper_free(struct state_keeper *k); /* NULL is fine */

/*
 * Restores, and starts the thread. A file that cannot be used is no error: the
 * journal is told, and the thread tries again. Tells which defaults are others
 * than before. Returns an exit code.
 */
int state_keeper_start(struct state_keeper *k, struct pins *p,
		       const struct config *c);

/*
 * Saves the last changes and ends the thread; after that the caller may close
 * the maps.
 */
void state_keeper_stop(struct state_keeper *k);

#endif

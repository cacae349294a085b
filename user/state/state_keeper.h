/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's hold on the state file: restores from it, then saves what
 * changes within a second, in a thread of its own: no disk, however slow,
 * stops the daemon. What goes wrong is told once, and once when it is over.
 */
#ifndef SMTPXDP_STATE_KEEPER_H
#define SMTPXDP_STATE_KEEPER_H

#include "maps/pins.h"

#define STATE_DEFAULT_DIR "/var/lib/smtpxdp"

struct state_keeper;

/*
 * For a folder, which it locks: NULL, and complained by fail(), where another
 * daemon keeps its state there.
 */
struct state_keeper *state_keeper_new(const char *dir);
void state_keeper_free(struct state_keeper *k); /* NULL is fine */

/*
 * Restores, and starts to keep. A file that cannot be used is told of and no
 * error: it is tried again. An exit code.
 */
int state_keeper_start(struct state_keeper *k, struct pins *p);

/* Saves what is left, and waits for it; the maps may be closed then. */
void state_keeper_stop(struct state_keeper *k);

#endif

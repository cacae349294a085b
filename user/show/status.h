/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything that can be told of a running smtpxdp, collected once. */
#ifndef SMTPXDP_STATUS_H
#define SMTPXDP_STATUS_H

#include <jansson.h>

#include "maps/pins.h"

/* How long the self-test of a command waits for other commands. */
#define STATUS_PATIENCE_MSEC 3000

/*
 * The document of `smtpxdp status -j`, which smtpxdp(8) promises; its text and
 * the metrics are made of it, too. The self-test waits `patience` milliseconds
 * for the writers' lock. NULL: no memory, or no map daemon.
 */
json_t *status_collect(struct pins *p, unsigned int patience);

/* The same where nothing is loaded: only what is wrong, and the version. */
json_t *status_unloaded(const char *dir);

#endif

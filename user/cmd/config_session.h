/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration that a command speaks of: what is in force, where
 * something is loaded; else what the file says.
 */
#ifndef SMTPXDP_CONFIG_SESSION_H
#define SMTPXDP_CONFIG_SESSION_H

#include "cmd/cmd.h"
#include "config/config.h"
#include "daemon.h"
#include "maps/pins.h"

struct config_session {
	struct pins pins; /* open if loaded */
	bool loaded;
	int lock; /* the writers', if asked for */
	struct config c;
	char path[DAEMON_PATH_SIZE]; /* of the file */
};

/*
 * Complains where it cannot, and returns the exit code then; to be closed in
 * either case. `write`: with the writers' lock.
 */
int config_session_open(struct config_session *s, const struct globals *g,
			bool write);
void config_session_close(struct config_session *s);

#endif

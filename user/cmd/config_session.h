/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration that a command reads or changes: the one in force where
 * smtpxdp is loaded, else the file's.
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
	int lock; /* the writers' lock, or -1 */
	struct config c;
	char path[DAEMON_PATH_SIZE]; /* of the file */
};

/*
 * Reads the configuration; `write` also takes the writers' lock. Returns 0, or
 * an exit code after a complaint. To be closed in either case.
 */
int config_session_open(struct config_session *s, const struct globals *g,
			bool write);
void config_session_close(struct config_session *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between cmd_ban.c and cmd_ban_lift.c only. */
#ifndef SMTPXDP_CMD_BAN_H
#define SMTPXDP_CMD_BAN_H

#include <stdbool.h>
#include <stdint.h>

#include "ban.h"
#include "cmd/cmd.h"

struct ban_args {
	struct net net;
	bool whole; /* no length was given: the client that the address is of */
	uint64_t seconds;
	char reason[BAN_REASON_SIZE];
	bool force;
	bool forgive;
};

int ban_parse_net(const char *s, struct ban_args *a);

/* Opens the maps, locked, and knows then what a client is. The lock, or < 0. */
int ban_open_locked(const struct globals *g, struct ban_args *a,
		    struct pins *p);

int ban_del(const struct globals *g, int argc, char **argv);
int ban_flush(const struct globals *g, int argc, char **argv);

#endif

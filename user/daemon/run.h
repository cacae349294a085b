/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A run of the daemon, from attaching to the end. cmd_run.c parses the command
 * line and loads the programs before.
 */
#ifndef SMTPXDP_RUN_H
#define SMTPXDP_RUN_H

#include <limits.h>
#include <net/if.h>

#include "load/carry.h"
#include "daemon.h"
#include "daemon/event_loop.h"

struct smtpxdp;
struct state_keeper;

/* State of a run of the daemon. */
struct run {
	struct daemon d;
	struct smtpxdp *skel;
	struct carry carry;
	char state_dir[PATH_MAX];
	struct state_keeper *state;
	bool ephemeral; /* --ephemeral: detach at the end */
	bool prepare; /* --prepare: end before anything is loaded */
	bool served; /* the start succeeded and the loop began */
	uint32_t parts; /* programs loaded: bits of enum part */
	struct daemon_info info;
	/* named by -i */
	char interfaces[DAEMON_IFACES_MAX * (IF_NAMESIZE + 1)];
};

/*
 * Attaches, runs the event loop, and leaves the programs attached unless
 * r->ephemeral. Everything must be loaded. Returns an exit code.
 */
int run_protect(struct run *r, const struct config *c);

#endif

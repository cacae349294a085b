/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A run of the daemon, from its command line to its end: cmd_run.c parses and
 * loads, run_ifaces.c attaches, run_protect.c does one after the other.
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

/* Everything between parsing the command line and the loop's end. */
struct run {
	struct daemon d;
	struct smtpxdp *skel;
	struct carry carry;
	char state_dir[PATH_MAX];
	struct state_keeper *state;
	bool ephemeral; /* protection ends when the run does */
	bool served; /* all was attached, and the loop began */
	uint32_t parts; /* that are loaded: bits of enum part */
	struct daemon_info info;
	char interfaces[DAEMON_IFACES_MAX * (IF_NAMESIZE + 1)]; /* by -i */
};

/*
 * What an earlier daemon left attached, and we do not want, goes; that we made
 * a qdisc then is remembered.
 */
void run_inherit(struct run *r);

/*
 * Puts the new programs where the old ones are, then attaches where there are
 * none yet. What is in the way of one, the journal is told, and of all, fail().
 */
int run_attach(struct run *r);

/*
 * The programs go, and so do the entries in the list; with `all` false, only
 * from where nothing was attached before this run.
 */
void run_detach(struct run *r, bool all);

/*
 * Attaches, watches until told to end, and leaves the programs at work unless
 * r->ephemeral; with everything loaded. An exit code.
 */
int run_protect(struct run *r, const struct config *c);

#endif

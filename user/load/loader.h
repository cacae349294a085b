/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the programs; pins them and their maps in a new generation. */
#ifndef SMTPXDP_LOADER_H
#define SMTPXDP_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon.h"

struct smtpxdp;

struct loader_options {
	const char *dir;
	uint32_t max_clients;
	uint32_t max_bans;
	uint32_t parts; /* in: wanted; out: loaded. Bits of enum part */
	uint32_t netns; /* network namespace that TLS is read in; 0: any */
	uint32_t home; /* network namespace of this process */
	uint32_t pidns; /* PID namespace, for the numbers of processes */
	int generation; /* out: where all is pinned; not in force yet */
	uint32_t n_refused; /* out: programs that the kernel refused */
	struct daemon_refused refused[DAEMON_REFUSED_MAX];
};

/*
 * Sets *skel to the loaded skeleton. On an error complains by fail() and
 * returns an exit code: EXIT_REFUSED if trying again is of no use. The
 * generation in force stays as it is.
 *
 * If the kernel refuses a program without which others are of use (see
 * programs.h), it loads those, and writes to the journal what is missing.
 *
 * Maps of the generation in force are taken over if size and layout are the
 * same; if not, carry.h carries their entries.
 */
int loader_load(struct loader_options *o, struct smtpxdp **skel);

/*
 * Loads the programs for a replay, which needs all of o->parts. Nothing is
 * pinned, o->dir is ignored, and the programs read the time from skel->bss
 * (bpf/now.h). Errors as above.
 */
int loader_load_replay(const struct loader_options *o, struct smtpxdp **skel);

#endif

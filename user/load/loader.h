/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the programs and pins the maps, reusing those that are there. */
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
	uint32_t parts; /* wanted; out: loaded. Bits of enum part */
	uint32_t netns; /* the only one it looks at, or 0 */
	uint32_t pidns; /* whose process numbers it tells */
	int generation; /* out: where all is pinned, but not in force yet */
	uint32_t n_refused; /* out: those that the kernel did not take */
	struct daemon_refused refused[DAEMON_REFUSED_MAX];
};

/*
 * Returns the loaded skeleton in *skel. On an error complains by fail() and
 * returns an exit code: EXIT_REFUSED if trying again is of no use. What is in
 * force stays as it is.
 *
 * Where the kernel refuses a program without which the others are of use, they
 * are loaded: see programs.h. The journal hears of it.
 *
 * The maps of the generation in force are taken over where size and layout are
 * the same; else carry.h has to bring the entries over.
 */
int loader_load(struct loader_options *o, struct smtpxdp **skel);

/*
 * Loads them for a replay: nothing is pinned, o->dir is not used, and their
 * time is what skel->bss says (bpf/now.h). Errors as above; o->parts says
 * which are needed.
 */
int loader_load_replay(const struct loader_options *o, struct smtpxdp **skel);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the programs and pins the maps, reusing those that are there. */
#ifndef SMTPXDP_LOADER_H
#define SMTPXDP_LOADER_H

#include <stdint.h>

#include "attach.h"

struct btf;
struct smtpxdp;

struct loader_options {
	const char *dir;
	uint32_t max_clients;
	uint32_t max_bans;
	bool tls; /* the TLS sensor's programs as well */
	int tls_error; /* out: -errno, why they could not be loaded */
	uint32_t netns; /* the only one it looks at, or 0 */
	uint32_t pidns; /* whose process numbers it tells */
	int generation; /* out: where all is pinned, but not in force yet */
};

/*
 * Returns the loaded skeleton in *skel. On an error complains by fail() and
 * returns -errno. What is in force stays as it is.
 *
 * Where the TLS sensor's programs cannot be loaded, the others are: o->tls is
 * then false, and o->tls_error says why.
 *
 * The maps of the generation in force are taken over where size and layout are
 * the same; else carry.h has to bring the entries over.
 */
int loader_load(struct loader_options *o, struct smtpxdp **skel);

/*
 * Loads them for a replay: nothing is pinned, o->dir is not used, and their
 * time is what skel->bss says (bpf/now.h). Errors as above.
 */
int loader_load_replay(const struct loader_options *o, struct smtpxdp **skel);

/* This build's, to be freed; NULL. */
struct btf *loader_btf(void);

/* Removes every pin below dir: links, and so what they attach, and maps. */
int loader_unpin(const char *dir);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fuse: clients that used to log in fail, many of them, and hardly anybody
 * succeeds: then it is not they who are at fault, but the password database.
 *
 * Guessers do not blow it: they never logged in. Somebody who wants to must
 * log in from as many addresses as fuse-clients says, and keep all others from
 * doing so. Pure.
 */
#ifndef SMTPXDP_FUSE_H
#define SMTPXDP_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#define FUSE_SECONDS 300 /* how far back it looks */

/* Totals, as the kernel counts them; they never fall. */
struct fuse_totals {
	uint64_t failing; /* times that a regular client began to fail */
	uint64_t successes;
};

struct fuse {
	bool blown;
	unsigned int known; /* seconds that are kept, up to FUSE_SECONDS + 1 */
	unsigned int next;
	struct fuse_totals at[FUSE_SECONDS + 1];
};

enum fuse_turn { FUSE_STAYS, FUSE_BLOWS, FUSE_CLOSES };

/* What made it turn: within so many seconds, so many. */
struct fuse_figures {
	unsigned int seconds;
	uint64_t failing;
	uint64_t successes;
};

/*
 * To be called every second with the totals, and with fuse-clients (0: it
 * never blows, and closes). It blows when within 10, 60 or 300 seconds so many
 * began to fail, and less than half as many logins succeeded; it closes when
 * half as many as fuse-clients succeed within such a time.
 */
enum fuse_turn fuse_step(struct fuse *f, const struct fuse_totals *now,
			 uint32_t clients, struct fuse_figures *why);

#endif

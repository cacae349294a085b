/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fuse: where many clients that used to log in begin to fail, and hardly
 * any login succeeds, the password database is at fault, and nobody is banned.
 *
 * Guessers cannot blow it, because they never logged in. An attacker would have
 * to log in from as many addresses as fuse-clients says, and then keep
 * everybody else from logging in.
 */
#ifndef SMTPXDP_FUSE_H
#define SMTPXDP_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "maps/pins.h"

#define FUSE_SECONDS 300 /* the longest time that it looks back */

/* The kernel's counters, which never fall. */
struct fuse_totals {
	uint64_t failing; /* times that a regular client began to fail */
	uint64_t successes;
};

struct fuse {
	bool blown;
	unsigned int known; /* totals in `at`, up to FUSE_SECONDS + 1 */
	unsigned int next;
	struct fuse_totals at[FUSE_SECONDS + 1];
};

enum fuse_turn { FUSE_STAYS, FUSE_BLOWS, FUSE_CLOSES };

/* The counts within so many seconds that made the fuse turn. */
struct fuse_figures {
	unsigned int seconds;
	uint64_t failing;
	uint64_t successes;
};

/*
 * To be called every second with the totals, and with fuse-clients. The fuse
 * blows when within 10, 60 or 300 seconds so many clients began to fail, and
 * less than half as many logins succeeded; it closes when half as many logins
 * as fuse-clients succeed within such a time. With fuse-clients 0 it never
 * blows, and a blown one closes. Pure.
 */
enum fuse_turn fuse_step(struct fuse *f, const struct fuse_totals *now,
			 uint32_t clients, struct fuse_figures *why);

/*
 * The daemon's second: steps by the kernel's counters, makes the programs hold
 * bans back while the fuse has blown, and tells the journal of turns.
 */
void fuse_watch(struct pins *p, struct fuse *f);

/* Do the programs hold bans back at that jiffy? */
bool fuse_holds_bans(const struct pins *p, uint64_t jiffies);

#endif

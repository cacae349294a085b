/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fuse: where many regulars (include/login.h) begin to fail, and hardly any
 * login succeeds, the password database is at fault, and bans are held back:
 * see fuse_holds() in bpf/regular.h.
 *
 * Guessers cannot blow it, because they are no regulars. Of one network, a /24
 * or /48, and of one user, a single regular counts: an attacker would need as
 * many networks and as many accounts as fuse-clients says, and have logged in
 * with them for half a day, and then keep everybody else from logging in.
 */
#ifndef SMTPXDP_FUSE_H
#define SMTPXDP_FUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuse_state.h"
#include "maps/pins.h"

#define FUSE_SECONDS 300 /* the longest time that it looks back */

/* A regular that began to fail. */
struct fuse_client {
	struct net client;
	struct net network; /* the /24 or /48 around it */
	uint32_t account; /* as whom it used to log in; 0: not known */
	uint64_t second;
};

struct fuse {
	bool blown;
	unsigned int known; /* counts in `at`, up to FUSE_SECONDS + 1 */
	unsigned int next;
	uint64_t at[FUSE_SECONDS + 1]; /* logins ever, second by second */
	struct fuse_client *failing; /* of FUSE_SECONDS, the oldest first */
	size_t n, room;
};

enum fuse_turn { FUSE_STAYS, FUSE_BLOWS, FUSE_CLOSES };

/* Why the fuse turned. */
struct fuse_figures {
	unsigned int seconds;
	uint64_t failing; /* clients of different networks and users */
	uint64_t successes;
	unsigned int names;
	struct net name[FUSE_NAMES]; /* some of those clients */
};

/* Notes that a regular began to fail. */
void fuse_note(struct fuse *f, const struct fuse_client *c);

/*
 * To be called every second with that second, by the clock of fuse_note(), the
 * logins ever, and fuse-clients. The fuse blows when within 10, 60 or 300
 * seconds so many regulars of different networks and users began to fail, and
 * less than half as many logins succeeded; it closes when half as many logins
 * as fuse-clients succeed within such a time. With fuse-clients 0 it never
 * blows, and a blown one closes.
 */
enum fuse_turn fuse_step(struct fuse *f, uint64_t second, uint64_t successes,
			 uint32_t clients, struct fuse_figures *why);

void fuse_free(struct fuse *f);

/*
 * Takes over a fuse that an earlier daemon, of whatever version, left blown; to
 * be called before programs are attached.
 */
void fuse_resume(struct pins *p, struct fuse *f);

/*
 * The daemon's second: steps by the kernel's counter of logins, makes the
 * programs hold bans back while the fuse has blown, and tells the journal and
 * map fuse of turns.
 */
void fuse_watch(struct pins *p, struct fuse *f);

/* Do the programs hold bans back at that jiffy? */
bool fuse_holds_bans(const struct pins *p, uint64_t jiffies);

/* Who blew it, as map fuse says; -errno. */
int fuse_read(const struct pins *p, struct fuse_state *s);

/* "203.0.113.7/32, 192.0.2.9/32, ...": up to `most` of the n names. */
const char *fuse_names(const struct net *name, unsigned int n,
		       unsigned int most, char *buf, size_t size);

#endif

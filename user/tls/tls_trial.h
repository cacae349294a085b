/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Moves the probes of a library to the functions behind its exported ones
 * (tls_places.h), after it was tried: probes that count nothing stand at both,
 * until TLS_TRIAL_CALLS calls of the exported ones were seen at the functions
 * behind, with the same arguments. One that was not has the probes stay.
 *
 * Both kinds stand side by side for a moment, so that no call goes unseen; it
 * counts once, for the first that sees it return takes it (tls_sensor.c).
 */
#ifndef SMTPXDP_TLS_TRIAL_H
#define SMTPXDP_TLS_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/tls_library.h"
#include "tls/tls_probes.h"

#define TLS_TRIAL_CALLS 1000
/* A daemon that starts has more to do than this. */
#define TLS_TRIAL_WAITS 5

struct smtpxdp;

enum tls_way {
	TLS_WAY_ENTRY, /* probes at exported functions: no other place is known */
	TLS_WAY_SOON, /* likewise; others are to be tried */
	TLS_WAY_TRIAL,
	TLS_WAY_MOVING, /* at both: the others may go */
	TLS_WAY_BEHIND,
	TLS_WAY_DIFFERS, /* at exported functions: others were called otherwise */
};

struct tls_move {
	enum tls_way way;
	unsigned int waits; /* seconds, until it is tried */
	uint64_t trial; /* key in map tls_trials */
	struct tls_library lib; /* with the functions behind */
	struct tls_probes probes; /* the trial's, not pinned */
};

/* Plans a trial, where the library has functions behind that are cheaper. */
void tls_trial_plan(struct tls_move *m, const struct tls_library *lib,
		    bool reads);

/* Begins it, in the file `path`. -errno: it cannot be tried. */
int tls_trial_begin(struct tls_move *m, const struct smtpxdp *skel,
		    const char *path);

/* Has it ended? TLS_WAY_TRIAL: no; TLS_WAY_MOVING: the probes may move. */
enum tls_way tls_trial_judge(struct tls_move *m, const struct smtpxdp *skel);

/* Ends a trial that is under way. */
void tls_trial_end(struct tls_move *m, const struct smtpxdp *skel);

#endif

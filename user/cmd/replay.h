/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs captured frames through the programs, by the capture's clock. The
 * programs are loaded for this alone, and attached to nothing.
 */
#ifndef SMTPXDP_REPLAY_H
#define SMTPXDP_REPLAY_H

#include "cmd/capture.h"
#include "config/config.h"
#include "event.h"
#include "maps/pins.h"
#include "lists/policy.h"

struct smtpxdp;
struct ring_buffer;

/* Called when a client or network reached its rate; d is the decision. */
typedef void (*replay_ban_fn)(const struct event *e, const struct net *client,
			      const struct decision *d, void *ctx);

struct replay {
	struct smtpxdp *skel;
	struct pins pins;
	struct ring_buffer *ring;
	replay_ban_fn on_ban;
	void *ctx;
	const struct net
		*server; /* whose replies count; NULL: all mail ports' */
	uint64_t first_ns, last_ns; /* wall clock */
	uint64_t frames, bytes;
	uint64_t cut; /* the server's frames whose end the capture lacks */
	uint64_t bans;
	uint64_t full; /* bans that found no room */
	uint64_t dropped; /* by the gate */
	uint64_t refused; /* by the kernel: frames that it does not run */
};

/* Complains by fail(), and returns an exit code. */
int replay_open(struct replay *r, const struct config *c, replay_ban_fn on_ban,
		void *ctx);

/* Runs one frame, which may call on_ban. -errno. */
int replay_frame(struct replay *r, struct captured *f);

void replay_close(struct replay *r);

#endif

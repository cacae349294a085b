/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs captured frames through the programs, by the capture's clock: loaded
 * for this alone, attached to nothing.
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

/* Called where a client, or a network, reached the rate: *d was decided. */
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
	uint64_t cut; /* of the server's, not all of it was captured */
	uint64_t bans;
	uint64_t full; /* bans that found no room */
	uint64_t dropped; /* the gate would have dropped them */
	uint64_t refused; /* the kernel takes no such frame */
};

/* Complains by fail(), and returns an exit code. */
int replay_open(struct replay *r, const struct config *c, replay_ban_fn on_ban,
		void *ctx);

/* One frame through the programs; on_ban is called where that bans. -errno. */
int replay_frame(struct replay *r, struct captured *f);

void replay_close(struct replay *r);

#endif

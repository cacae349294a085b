/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's answer to events: it writes the final bans, and tells. */
#ifndef SMTPXDP_EVENT_HANDLER_H
#define SMTPXDP_EVENT_HANDLER_H

#include <stddef.h>

#include "event.h"
#include "maps/pins.h"
#include "lists/policy.h"

struct cut_queue;
struct fuse;
struct groups_watch;
struct on_event;
struct tls_sensor;

struct handler {
	struct pins *pins;
	struct tls_sensor *tls; /* or NULL */
	struct cut_queue *cuts; /* NULL: no connection is cut */
	const struct groups_watch *groups; /* has the databases, or NULL */
	struct fuse *fuse; /* or NULL */
	struct on_event *on_event; /* NULL: no program is run */
};

/* A ring_buffer_sample_fn; ctx is the struct handler. Always returns 0. */
int handle_event(void *ctx, void *data, size_t size);

/*
 * Decides about an EVENT_CROSSED or EVENT_NET_CROSSED of a client or network,
 * writes the ban if there is to be one, and says in *d what was decided.
 * -E2BIG, -errno. The caller holds the writers' lock.
 */
int handle_crossing(struct pins *p, const struct event *e,
		    const struct net *net, struct decision *d);

/*
 * Removes bans that have run out, completes bans whose event was lost, and
 * tells of lost events. To be called about once a second.
 */
void handle_sweep(struct handler *h);

#endif

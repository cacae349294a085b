/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a ring-buffer record to the ban list and the journal. */
#ifndef SMTPXDP_EVENT_HANDLER_H
#define SMTPXDP_EVENT_HANDLER_H

#include <stddef.h>

#include "event.h"
#include "maps/pins.h"
#include "lists/policy.h"

struct cut_queue;
struct groups_watch;
struct tls_sensor;

struct handler {
	struct pins *pins;
	struct tls_sensor *tls; /* NULL: there is none */
	struct cut_queue *cuts; /* NULL: no connection is to be cut */
	const struct groups_watch *groups; /* knows countries, or NULL */
};

/* A ring_buffer_sample_fn; ctx is the struct handler. Always 0. */
int handle_event(void *ctx, void *data, size_t size);

/*
 * Does to the ban list what the policy says of an EVENT_CROSSED; *d tells what
 * that is. -E2BIG, -errno. The caller holds the writers' lock.
 */
int handle_crossing(struct pins *p, const struct event *e, struct decision *d);

/*
 * Removes what has run out, tells of bans whose event was lost, and of events
 * that were. To be called about once a second.
 */
void handle_sweep(struct handler *h);

#endif

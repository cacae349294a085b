/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a ring-buffer record to the ban list and the journal. */
#ifndef SMTPXDP_EVENT_HANDLER_H
#define SMTPXDP_EVENT_HANDLER_H

#include <stddef.h>

#include "pins.h"

struct tls_sensor;

struct handler {
	struct pins *pins;
	struct tls_sensor *tls; /* NULL: there is none */
};

/* A ring_buffer_sample_fn; ctx is the struct handler. Always 0. */
int handle_event(void *ctx, void *data, size_t size);

/*
 * Removes what has run out, tells of bans whose event was lost, and of events
 * that were. To be called about once a second.
 */
void handle_sweep(struct handler *h);

#endif

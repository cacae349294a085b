/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a ring-buffer record to the ban list and the journal. */
#ifndef SMTPXDP_EVENT_HANDLER_H
#define SMTPXDP_EVENT_HANDLER_H

#include <stddef.h>

#include "pins.h"

/* A ring_buffer_sample_fn; ctx is the struct pins. Always 0. */
int handle_event(void *ctx, void *data, size_t size);

/*
 * Removes what has run out, tells of bans whose event was lost, and of events
 * that were. To be called about once a second.
 */
void handle_sweep(struct pins *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The new bans whose open connections the daemon has yet to cut. Bans that come
 * in a row share one listing of the kernel's connections, so that a flood of
 * bans costs little.
 */
#ifndef SMTPXDP_CUT_QUEUE_H
#define SMTPXDP_CUT_QUEUE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "lists/cut.h"

/* All zero at first; it takes bans before it is started, too. */
struct cut_queue {
	struct pins *pins;
	sd_event_source *timer;
	struct net nets[CUT_NETS_MAX];
	size_t n;
	bool all; /* `nets` was full: look at all banned clients */
	uint64_t not_before; /* us, CLOCK_MONOTONIC */
	int error; /* the one that the journal knows, or 0 */
};

/* Warns in the journal if cut-sessions is on and this kernel cannot cut.
 * -errno. */
int cut_queue_start(struct cut_queue *q, sd_event *e, struct pins *p);

/* Cuts, in 50 ms or later, the connections of banned clients in `net`. */
void cut_queue_add(struct cut_queue *q, const struct net *net);

#endif

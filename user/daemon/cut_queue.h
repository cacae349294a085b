/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose connections the daemon has yet to cut. Bans that come in a row share
 * one look at the kernel's connections, so that a flood of them costs little.
 */
#ifndef SMTPXDP_CUT_QUEUE_H
#define SMTPXDP_CUT_QUEUE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "lists/cut.h"

/* All zero at first, and then it takes bans already. */
struct cut_queue {
	struct pins *pins;
	sd_event_source *timer;
	struct net nets[CUT_NETS_MAX];
	size_t n;
	bool all; /* there were more: whoever is banned is looked for */
	uint64_t not_before; /* us, CLOCK_MONOTONIC */
	int error; /* that was told already */
};

/* Tells, too, if it is wanted and this kernel cannot do it. -errno. */
int cut_queue_start(struct cut_queue *q, sd_event *e, struct pins *p);

/* Soon, the connections of those in `net` are cut. */
void cut_queue_add(struct cut_queue *q, const struct net *net);

#endif

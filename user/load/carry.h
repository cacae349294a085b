/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Carries entries from the maps of the generation in force to those of the
 * next, if the next could not take over the maps because their size or layout
 * changed. The old programs run meanwhile, so there are four steps:
 *
 * 1. carry_fill(), before the new generation is in force, carries what programs
 *    look up: the new programs drop from their first packet on.
 * 2. carry_streams(), right before the sensors are swapped, carries how far
 *    replies are read: else retransmitted replies would be counted again.
 * 3. carry_bans(), after the sensors were swapped and before the gates are,
 *    carries the bans that the old sensors made since step 1.
 * 4. carry_drain(), when no old program uses these maps any more, carries what
 *    the old programs counted. It deletes from the old maps what it has
 *    carried, so an interrupted one can be repeated.
 */
#ifndef SMTPXDP_CARRY_H
#define SMTPXDP_CARRY_H

#include <linux/types.h>

#include "maps/pins.h"

struct btf;

struct carry {
	struct pins *to;
	const struct btf *btf; /* of this build */
	/* Handles the events that no daemon has read. */
	int (*on_event)(void *ctx, void *data, size_t size);
	void *ctx;
	__u64 began; /* CLOCK_BOOTTIME; 0: before an earlier start */
};

/*
 * The caller holds the writers' lock. -errno. Entries that did not fit are
 * reported to the journal.
 */
int carry_fill(struct carry *c);

void carry_streams(struct carry *c);
void carry_bans(struct carry *c);
void carry_drain(struct carry *c);

/* Removes the older generations. */
void carry_end(struct carry *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the maps of the generation in force into those of the next, where that
 * could not take them over: their size or layout is another. In four steps, for
 * the old programs go on meanwhile:
 *
 * 1. carry_fill(), before the new generation is in force: what programs look
 *    up, so that the new ones drop from their first packet on.
 * 2. carry_streams(), right before the sensors are swapped: how far replies are
 *    read, or what the server sends again would be counted again.
 * 3. carry_bans(), between the sensors' swap and the gates': the bans that the
 *    old sensors made since.
 * 4. carry_drain(), when no old program runs any more on what it drains, once
 *    or more often: what they counted. It takes from the old maps what it
 *    brought into the new ones; who is interrupted goes on where it was.
 */
#ifndef SMTPXDP_CARRY_H
#define SMTPXDP_CARRY_H

#include <linux/types.h>

#include "maps/pins.h"

struct btf;

struct carry {
	struct pins *to;
	const struct btf *btf; /* this build's */
	int (*on_event)(void *ctx, void *data, size_t size); /* unread ones */
	void *ctx;
	__u64 began; /* CLOCK_BOOTTIME; 0: in an earlier start */
};

/* The caller holds the writers' lock. -errno; what did not fit is noted. */
int carry_fill(struct carry *c);

void carry_streams(struct carry *c);
void carry_bans(struct carry *c);
void carry_drain(struct carry *c);

/* Forgets the older generations. */
void carry_end(struct carry *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map brake: whose bans max-bans-per-minute counts, and whether it held any. */
#ifndef SMTPXDP_BRAKE_MAP_H
#define SMTPXDP_BRAKE_MAP_H

#include "brake_ring.h"
#include "maps/pins.h"

/* -errno */
int brake_read(const struct pins *p, struct brake *b);

/* The network of struct brake's words. */
struct net brake_block(uint64_t net);

/*
 * The network with the most bans of clients within the minute before `jiffies`,
 * and how many; 0: there were none, and *net is undefined.
 */
uint32_t brake_most(const struct pins *p, const struct brake *b,
		    uint64_t jiffies, struct net *net);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map ban_claims: who else wants a ban, besides the one whose ban is in map bans
 * or ban_nets, and until when. Most bans have one owner, and nothing here.
 * lists/owners.h decides.
 */
#ifndef SMTPXDP_BAN_CLAIMS_H
#define SMTPXDP_BAN_CLAIMS_H

#include "maps/ban_map.h"
#include "maps/pins.h"

/* By network, and of one network the latest end first. */
struct ban_claims {
	struct ban_row *rows; /* to be freed */
	size_t n;
};

/* -E2BIG: no room. */
int ban_claim_put(struct pins *p, const struct net *net, const struct ban *b);
/* -ENOENT */
int ban_claim_del(struct pins *p, const struct net *net, __u32 owner);

/*
 * All that hold at a jiffy. ban_claims_read() also drops those that have run out:
 * its caller holds the writers' lock. -ENOMEM.
 */
int ban_claims_read(struct pins *p, uint64_t jiffies, struct ban_claims *c);
int ban_claims_look(const struct pins *p, uint64_t jiffies,
		    struct ban_claims *c);

/* The first one of a network, and the one behind another. NULL: there is none. */
const struct ban_row *ban_claims_find(const struct ban_claims *c,
				      const struct net *net);
const struct ban_row *ban_claims_next(const struct ban_claims *c,
				      const struct ban_row *row);

/* Leaves one out of what was read, for it is no more. */
void ban_claims_forget(struct ban_claims *c, const struct net *net,
		       __u32 owner);

/* Drops those of one network, or of all where net is NULL. */
void ban_claims_drop(struct pins *p, const struct net *net);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who wants a ban: sensors and persons, who have no name here, and whoever gives
 * one: a list, a jail, another host. A ban holds as long as one of them wants
 * it. The one who wants it longest has it in the ban list (ban_owner()); the
 * others are in map ban_claims, and the ban has BAN_SHARED then. Callers hold
 * the writers' lock.
 *
 * What a sensor adds to a ban in force, and what banlist_put() writes, is the
 * owner's.
 */
#ifndef SMTPXDP_OWNERS_H
#define SMTPXDP_OWNERS_H

#include "lists/banlist.h"
#include "maps/ban_claims.h"

/*
 * Bans as the row says, for ban_owner() of it: never shorter than it is banned
 * already. 1: a ban that ends later is there, and stays the one in the list.
 * -E2BIG: no room.
 */
int owners_claim(struct pins *p, const struct ban_row *row,
		 const struct clock_pair *now);

/*
 * Takes back an owner's share; `claims` are those of ban_claims_read(). 1: the
 * ban is lifted; 0: others want it still; -ENOENT: it was not his.
 */
int owners_release(struct pins *p, const struct net *net, __u32 owner,
		   struct ban_claims *claims);

/*
 * Lists the networks of an owner for which `keeps` is false, or all of them
 * where it is NULL.
 */
struct owned {
	__u32 owner;
	bool (*keeps)(const struct net *net, void *ctx);
	void *ctx;
	struct net *nets; /* to be freed */
	size_t n, room;
};
int owners_list(const struct pins *p, const struct ban_claims *claims,
		struct owned *o);

#endif

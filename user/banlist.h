/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bans: of clients (map bans, exact) and of other networks (map ban_nets,
 * longest prefix). Which of the two a network belongs to is decided here.
 */
#ifndef SMTPXDP_BANLIST_H
#define SMTPXDP_BANLIST_H

#include <stdint.h>

#include "ban.h"
#include "clock.h"
#include "pins.h"

struct ban_row {
	struct net net;
	struct ban ban;
};

/* Every entry, those that have run out included; stops where fn is not 0. */
typedef int (*ban_row_fn)(const struct ban_row *row, void *ctx);
int banlist_each(const struct pins *p, ban_row_fn fn, void *ctx);

/*
 * Writes a ban. Its len is the network's; expires must be set. -E2BIG: the
 * map is full. The caller holds the writers' lock.
 */
int banlist_put(struct pins *p, const struct net *net, const struct ban *b);

/*
 * Takes the ban of a client over from another table, drops and all; one that
 * is there and holds longer stays: then 1. -E2BIG.
 */
int banlist_carry(struct pins *p, const struct addr *client,
		  const struct ban *b);

/*
 * Removes the ban of exactly this network, and what is known of the clients
 * in it: one more failure must not ban them again. -ENOENT.
 */
int banlist_del(struct pins *p, const struct net *net);

/* Only removes it; the client's failures are not forgotten. -ENOENT. */
int banlist_remove(struct pins *p, const struct net *net);

/* The same for a ban that has run out; -EBUSY if it has not. Keeps clients. */
int banlist_expire(struct pins *p, const struct net *net);

/* The ban of exactly this network, run out or not. -ENOENT. */
int banlist_get(const struct pins *p, const struct net *net, struct ban *b);

/* The ban that holds for an address now; -ENOENT. */
int banlist_find(const struct pins *p, const struct addr *a,
		 const struct clock_pair *now, struct ban_row *row);

/* The network of the client that an address belongs to. */
struct net client_net(const struct pins *p, const struct addr *a);

/* Forgets the windows of all clients within a network. */
int clients_forget(struct pins *p, const struct net *net);

/* Of all that were ever banned, or would have been. */
int clients_forget_banned(struct pins *p);

#endif

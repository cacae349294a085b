/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bans: of clients (map bans, exact) and of other networks (map ban_nets,
 * longest prefix). Which of the two a network belongs to is decided here.
 *
 * A ban's `expires` is rounded up to a tick of some 0.1 s. Its `reason` is
 * stored if somebody gave one; else, what is read says how many failures there
 * were ("10 failures in 2m"), or "by command".
 */
#ifndef SMTPXDP_BANLIST_H
#define SMTPXDP_BANLIST_H

#include <stdint.h>

#include "ban.h"
#include "base/clock.h"
#include "maps/pins.h"

struct ban_row {
	struct net net;
	struct ban ban;
};

/* Every entry, those that have run out included; stops where fn is not 0. */
typedef int (*ban_row_fn)(const struct ban_row *row, void *ctx);
int banlist_each(const struct pins *p, ban_row_fn fn, void *ctx);

/* Those of clients only. */
int banlist_each_client(const struct pins *p, ban_row_fn fn, void *ctx);

/*
 * Those that have run out by a jiffy, of networks all; with `provisional`, also
 * those that the kernel wrote and nobody has confirmed. Quick without.
 */
int banlist_each_due(const struct pins *p, uint64_t jiffies, bool provisional,
		     ban_row_fn fn, void *ctx);

/*
 * Writes a ban: `net` says whose; len, packets and bytes of *b are ignored. One
 * that is past removes what is there. -E2BIG: no room. The caller holds the
 * writers' lock.
 */
int banlist_put(struct pins *p, const struct net *net, const struct ban *b);

/*
 * The same for many, quickly: a million in a fraction of a second. Stops at
 * the first error; *done says how many were written.
 */
int banlist_put_many(struct pins *p, const struct ban_row *rows, size_t n,
		     size_t *done);

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

/* How many clients may be banned at once, and as many networks. */
uint32_t banlist_max(const struct pins *p);

/*
 * When client prefixes change: the ban of a client goes where those of other
 * networks are, and is gone from where it was.
 */
int banlist_copy_to_nets(struct pins *p, const struct ban_row *row);
int banlist_remove_client(struct pins *p, const struct net *net);
int banlist_remove_net(struct pins *p, const struct net *net);

/*
 * Some of these networks are allowlisted now: who is banned and overlaps with
 * one of them is asked for at every packet, before it is dropped.
 */
int banlist_ask(struct pins *p, const struct net *nets, size_t n);

/* The daemon's, now and then: forgets which networks have gone. */
int banlist_tidy(struct pins *p);

/* The network of the client that an address belongs to. */
struct net client_net(const struct pins *p, const struct addr *a);

/* Forgets the windows of all clients within a network. */
int clients_forget(struct pins *p, const struct net *net);

/* Of all that were ever banned, or would have been. */
int clients_forget_banned(struct pins *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ban list, in two maps: bans of clients (map bans, exact) and of other
 * networks (map ban_nets, longest prefix). This file decides which of the two a
 * network belongs to.
 *
 * A ban's `expires` is rounded up to a tick of some 0.1 s. Its `reason` is the
 * text that a person gave; without one, the reader makes it of the ban's
 * figures ("10 failures in 2m", "by command").
 */
#ifndef SMTPXDP_BANLIST_H
#define SMTPXDP_BANLIST_H

#include <stdint.h>

#include "base/clock.h"
#include "maps/ban_map.h"
#include "maps/pins.h"

/* Calls fn for every ban, run out or not; stops where fn is not 0. */
int banlist_each(const struct pins *p, ban_row_fn fn, void *ctx);

/* The same for bans of clients only. */
int banlist_each_client(const struct pins *p, ban_row_fn fn, void *ctx);

/*
 * The same for bans of clients that have run out by a jiffy, and all bans of
 * networks; with `provisional`, also for the bans that the kernel wrote and the
 * daemon has not confirmed. Quick without.
 */
int banlist_each_due(const struct pins *p, uint64_t jiffies, bool provisional,
		     ban_row_fn fn, void *ctx);

/*
 * Writes a ban of `net`; len, packets and bytes of *b are ignored. A ban that
 * is past removes the one that is there. -E2BIG: no room. The caller holds the
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
 * Removes the ban of exactly this network, and forgets the windows of the
 * clients in it: one more failure must not ban them again. -ENOENT.
 */
int banlist_del(struct pins *p, const struct net *net);

/*
 * Removes all bans, and the windows of who was banned; returns how many bans
 * held, or -errno. Quick: a million in a fraction of a second.
 */
int banlist_clear(struct pins *p);

/* Removes the ban only; clients keep their windows. -ENOENT. */
int banlist_remove(struct pins *p, const struct net *net);

/* The same for a ban that has run out; -EBUSY if it holds again. */
int banlist_expire(struct pins *p, const struct net *net);

/* The ban of exactly this network, run out or not. -ENOENT. */
int banlist_get(const struct pins *p, const struct net *net, struct ban *b);

/* The ban that holds for a host now: of its client, or of a network around it.
 * -ENOENT. */
int banlist_find(const struct pins *p, const struct net *host,
		 const struct clock_pair *now, struct ban_row *row);

/*
 * The jiffy at which the ban of exactly this network ends, or 0: quicker than
 * banlist_get().
 */
uint64_t banlist_end(const struct pins *p, const struct net *net);

/* How many clients may be banned at once, and as many networks. */
uint32_t banlist_max(const struct pins *p);

/*
 * How many more of each there is room for at a jiffy. A ban of a network that
 * has run out takes its room until the daemon's sweep.
 */
struct ban_room {
	size_t clients, nets;
};
int banlist_room(const struct pins *p, uint64_t jiffies, struct ban_room *r);

/*
 * For a change of client prefixes: a ban of a client whose length is not a
 * client's any more is copied to the bans of networks, then removed from those
 * of clients; or, to undo it, from those of networks.
 */
int banlist_copy_to_nets(struct pins *p, const struct ban_row *row);
int banlist_remove_client(struct pins *p, const struct net *net);
int banlist_remove_net(struct pins *p, const struct net *net);

/*
 * To be called when these networks were allowlisted: bans that overlap with
 * one of them are marked, and the gate asks the allowlist before it drops by
 * such a ban.
 */
int banlist_ask(struct pins *p, const struct net *nets, size_t n);

/* Clears what is gone from the gate's filters; called by the daemon's sweep. */
int banlist_tidy(struct pins *p);

#endif

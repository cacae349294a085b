/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bans a client that has reached a limit: what holds that back, the provisional
 * ban, and the port that it leaves open. failure.h decides who has.
 */
#ifndef SMTPXDP_BANNING_H
#define SMTPXDP_BANNING_H

#include "ban_table.h"
#include "brake.h"
#include "front_map.h"
#include "maps.h"
#include "now.h"
#include "pure/judgement.h"
#include "pure/window.h"
#include "regular.h"
#include "sighting.h"
#include "sign.h"

/* May the allowlist hold a part of a client's network? By address family. */
static __always_inline bool allow_is_inside(const struct settings *s,
					    const struct addr *peer)
{
	return s->allow_inside >> !addr_is_v4(peer) & 1;
}

/* enum allow_flags of an address, or 0. Not inlined, to save stack. */
__noinline __weak int peer_allowed(const struct settings *s,
				   const struct addr *peer)
{
	return s && peer ? allow_find(s, peer) : 0;
}

/*
 * Marks the client's ban as not plain if the allowlist has an address of the
 * client. Closes a race: `allow add` writes the allowlist, then looks for bans,
 * and this program writes the ban, then looks at the allowlist, so one of them
 * sees the other's write.
 */
static __noinline int ask_if_allowed(const struct addr *peer,
				     const struct ban_client *client)
{
	const struct settings *s = settings_active();
	struct ban_head *h = ban_head();
	struct ban_line *l;
	int pos;

	if (!s || !h || (!allow_is_inside(s, peer) && !peer_allowed(s, peer)))
		return 0;
	pos = ban_search(h, client, 0, BAN_CLAIMED);
	if (pos < 0)
		return 0;
	l = ban_line_of(h, client, pos);
	if (l)
		__sync_fetch_and_or(&l->count[pos % BAN_WAYS], BAN_NOT_PLAIN);
	return 0;
}

/*
 * Was the client not refused at PORT_DELIVERY, as far back as failures count?
 * Then its ban leaves that port open: a stale password for "send mail as" at a
 * big provider must not cost the mail that others send from there.
 */
static __always_inline bool delivers(const struct settings *s,
				     const struct client *c, __u64 now)
{
	__u32 ticks = s->slow.failures ? s->slow.ticks :
					 s->policy[POLICY_PLAIN].rate.ticks;

	return s->spares &&
	       !(c->at_delivery &&
		 window_age_fits(c->at_delivery >> 1,
				 window_tick(now, s->tick_shift), ticks));
}

/*
 * Writes the provisional ban, of the base time, so that nothing passes until
 * the daemon judges it, or while no daemon runs. Never shortens a ban in force.
 */
static __always_inline enum event_outcome
ban_provisional(const struct settings *s, const struct addr *peer,
		struct ban_client *client, const struct client *c,
		const struct judgement *j, __u64 until, __u64 now)
{
	struct ban_head *h = ban_head();
	struct ban_entry e = {};
	bool spares;

	if (!h)
		return OUTCOME_MAP_FULL;
	spares = delivers(s, c, now);
	e.expires = ban_tick_up(until, h->tick_shift);
	e.now = now >> h->tick_shift;
	e.mode = BAN_EXTEND;
	if (spares || allow_is_inside(s, peer))
		e.not_plain = BAN_NOT_PLAIN;
	e.cause.failures = j->failures;
	e.cause.window = j->sec;
	e.cause.code_flags = ban_code_flags(
		c->last_code, BAN_PROVISIONAL | (spares ? BAN_SPARES : 0));
	e.cause.len = c->len;
	e.cause.since = now_boot_ns();
	ban_client(h, client);
	if (ban_put(h, client, &e))
		return OUTCOME_MAP_FULL;
	ask_if_allowed(peer, client);
	return OUTCOME_BANNED;
}

/*
 * The reason not to ban a client or network that reached a limit (mode, fuse,
 * brake), or OUTCOME_NONE; then the brake has counted it. `fused`: the fuse
 * holds this ban back. `net`: see brake_ask(); 0: a whole network's ban.
 */
static __always_inline enum event_outcome
held_back(const struct settings *s, bool fused, __u64 now, __u64 net)
{
	enum event_outcome braked;
	__u32 tick;

	if (s->mode != MODE_ENFORCE)
		return OUTCOME_MONITOR;
	if (fused) {
		count(COUNTER_FUSED, 0);
		return OUTCOME_FUSE;
	}
	tick = window_tick(now, s->tick_shift);
	braked = net ? brake_ask(s, tick, net) : brake_ask_whole(s, tick);
	if (braked)
		count(COUNTER_BRAKED, 0);
	return braked;
}

/*
 * What holds back the ban of a client that reached a limit. `was`: client.until
 * before. A function of its own, so that less lies on the stack while a ban is
 * written: see ban_provisional().
 */
static __noinline enum event_outcome ban_held_back(const struct settings *s,
						   const struct addr *peer,
						   const struct judgement *j,
						   __u64 was, __u64 now)
{
	struct addr key;

	client_of(s, peer, &key);
	/* in mode monitor, too: nobody would ban it */
	if (j->kind == POLICY_PLAIN && front_holds(&key, j->failures)) {
		count(COUNTER_FRONTS, 0);
		return OUTCOME_FRONT;
	}
	return held_back(s, fuse_holds(&key, j, was, now), now,
			 brake_net(peer));
}

/* Bans a client that reached a limit, unless ban_held_back() gives a reason. */
static __always_inline enum event_outcome
ban(const struct settings *s, const struct addr *peer,
    struct ban_client *client, const struct client *c,
    const struct judgement *j, __u64 was, __u64 until, __u64 now)
{
	enum event_outcome held = ban_held_back(s, peer, j, was, now);

	return held ? held : ban_provisional(s, peer, client, c, j, until, now);
}

/*
 * A login of a banned client failed: where its ban leaves PORT_DELIVERY open, it
 * ends that, for he guesses there. Another port that a server tells of may be
 * the same, redirected; but not while replies from before the ban may be on
 * their way. Returns 1 if it did. If the slot goes to another client just now,
 * that one's ban closes all ports.
 */
static __noinline int widen(const struct sighting *at,
			    struct ban_client *client)
{
	struct ban_head *h = ban_head();
	struct ban_info *i;
	int pos;

	if (!h)
		return 0;
	ban_client(h, client);
	pos = ban_search(h, client, 0, now_jiffies() >> h->tick_shift);
	i = pos < 0 ? NULL : ban_info_of(h, client, pos);
	if (!i || !(ban_flags(&i->cause) & BAN_SPARES) ||
	    (at->port != PORT_DELIVERY &&
	     now_boot_ns() - i->cause.since < SIGN_GOES_ON_SEC * SIGN_NSEC))
		return 0;
	i->cause.code_flags &= ~ban_code_flags(0, BAN_SPARES);
	return 1;
}

#endif

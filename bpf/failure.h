/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Handles a failed or successful login, for both sensors: allowlist, windows,
 * policy, and at a limit the provisional ban and the event.
 */
#ifndef SMTPXDP_FAILURE_H
#define SMTPXDP_FAILURE_H

#include "account.h"
#include "as_rate.h"
#include "banning.h"
#include "entry.h"
#include "event_begin.h"
#include "group.h"
#include "pure/judgement.h"
#include "pure/made_good.h"
#include "net_window.h"
#include "now.h"
#include "regular.h"
#include "sighting.h"
#include "sign.h"

static __always_inline struct client *client_get(const struct settings *s,
						 const struct addr *key)
{
	return entry_get(&clients, key, who_client_len(s, key));
}

/* Sends an event to the daemon. */
static __always_inline void tell(const struct sighting *at,
				 const struct addr *key, const struct client *c,
				 const struct judgement *j,
				 enum event_kind kind,
				 enum event_outcome outcome)
{
	struct event *e = event_begin(kind);
	const struct login *l;

	if (!e)
		return;
	e->outcome = outcome;
	e->sensor = at->sensor;
	e->len = c->len;
	e->code = at->code;
	e->client = at->peer;
	e->proxy = at->proxy;
	e->ifindex = at->ifindex;
	e->failures = j->failures;
	e->window_sec = j->sec;
	e->ban_sec = j->ban_sec;
	e->port = at->port;
	e->text_len = at->text_len;
	e->unanswered = at->unanswered;
	l = bpf_map_lookup_elem(&regulars, key);
	e->regular = !!l;
	e->account = l ? l->account : 0;
	e->policy = j->kind;
	e->offender = j->offender;
	e->users = j->users;
	e->cause = kind == EVENT_CROSSED ? at->cause : CAUSE_RATE;
	__builtin_memcpy(e->text, at->text.bytes, TEXT_SIZE);
	e->user_len = at->tried.len;
	__builtin_memcpy(e->user, at->tried.name, USER_NAME_SIZE);
	bpf_ringbuf_submit(e, 0);
}

/* The network of an address that net-rate counts; returns its length. */
static __always_inline __u8 net_rated(const struct settings *s,
				      const struct addr *a, struct addr *net)
{
	net_block_of(a, net);
	if (!addr_is_v4(a))
		return NET_LEN_V6;
	net->b[14] &= 0xff << (s->net_wider & 7);
	return NET_LEN_V4 - s->net_wider;
}

/* Tells the daemon, which cuts what the client has open there. */
static __noinline int tell_widened(const struct sighting *at,
				   const struct client *c)
{
	struct event *e = event_begin(EVENT_WIDENED);

	if (!e)
		return 0;
	e->client = at->peer;
	e->len = c->len;
	e->port = at->port;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/*
 * Handles a failed login of a client that is banned. Not inlined, to save stack.
 */
static __noinline int banned_fails(const struct settings *s,
				   const struct sighting *at,
				   struct ban_client *client,
				   const struct client *c)
{
	count(COUNTER_FAILURE_BANNED, 0);
	return widen(at, client) ? tell_widened(at, c) : note_goes_on(s, at, c);
}

/*
 * Counts a failing client for its network (net-rate) and tells the daemon when
 * the network reaches the limit: the daemon writes bans of networks. Not
 * inlined, to save stack.
 */
__noinline __weak int net_failure(const struct settings *s,
				  const struct sighting *at, struct client *c)
{
	__u64 now = now_jiffies(), until, was;
	const struct limit *rate;
	struct judgement j = {};
	enum event_outcome held;
	__u32 tick, ticket;
	struct client *n;
	struct addr key;
	__u8 len;

	if (!s || !at || !c)
		return 0;
	j.ban_sec = s->policy[POLICY_PLAIN].ban_sec;
	rate = net_rate_of(s, &at->peer);
	j.failures = rate->failures;
	j.sec = rate->sec;
	until = now + s->policy[POLICY_PLAIN].ban_jiffies;
	tick = window_tick(now, s->tick_shift);

	client_of(s, &at->peer, &key);
	if (is_slip(&key, at->tried.hash) ||
	    !net_counts(&c->net_counted, tick, rate))
		return 0;
	len = net_rated(s, &at->peer, &key);
	n = entry_get(&nets, &key, len);
	if (!n)
		return 0;
	n->len = len; /* net-prefix may have changed */
	__sync_fetch_and_add(&n->failures, 1);
	n->last_seen = now;
	n->last_code = at->code;
	was = *(volatile __u64 *)&n->until;
	if (window_closed(was, now, s->mode))
		return 0;
	ticket = window_add(n, tick);
	if (!window_reached(n, ticket, tick, rate, n->spent) ||
	    !window_cross(n, ticket, was, window_until(until, s->mode)))
		return 0;
	count(COUNTER_NET_CROSSED, 0);
	held = held_back(s, fuse_is_blown(now), now, 0);
	if (held)
		n->until = window_until(until, MODE_MONITOR);
	tell(at, &key, n, &j, EVENT_NET_CROSSED, held);
	return 0;
}

/*
 * Tells the fuse, in user space, that a regular begins to fail. `none`: no
 * judgement yet.
 */
static __always_inline void tell_regular(const struct sighting *at,
					 const struct addr *key,
					 const struct client *c,
					 const struct judgement *none)
{
	if (!is_regular(key))
		return;
	count(COUNTER_REGULARS_FAILING, 0);
	tell(at, key, c, none, EVENT_REGULAR, OUTCOME_NONE);
}

/*
 * Counts a password that the client tries again. Returns the client's entry in
 * map repeats, whose window stale-rate measures; NULL: no room.
 */
static __always_inline struct client *repeat(const struct addr *key,
					     struct client *c)
{
	struct client *r = entry_get(&repeats, key, c->len);

	count(COUNTER_FAILURE_REPEATED, 0);
	__sync_fetch_and_add(&c->repeats, 1);
	c->policy = POLICY_STALE;
	if (r) {
		r->last_seen = c->last_seen;
		r->last_code = c->last_code;
	}
	return r;
}

/*
 * Do the user tried, or the others of the client's AS, lead to a ban at once?
 * Sets at->cause, j->failures and j->sec. Not in group lenient, unless it is a
 * trap: see limit_reached().
 */
static __noinline int is_guarded(const struct settings *s, struct sighting *at,
				 struct client *c, struct judgement *j)
{
	const struct limit *rate = &policy_of(s, j)->rate;

	if (at->cause == CAUSE_RATE && j->guess != GUESS_AGAIN) {
		at->cause = account_failure(s, at);
		if (at->cause)
			count(COUNTER_ACCOUNT_FAILURE, 0);
		if (s->as.failures && j->kind != POLICY_LENIENT &&
		    as_failure(s, at, c) && at->cause == CAUSE_RATE)
			at->cause = CAUSE_AS;
		if (j->kind == POLICY_LENIENT)
			at->cause = CAUSE_RATE;
	}
	if (j->failures) /* it has reached a limit of its own */
		at->cause = CAUSE_RATE;
	if (at->cause == CAUSE_RATE)
		return 0;
	j->failures = window_count(c, window_tick(now_jiffies(), s->tick_shift),
				   rate->ticks);
	j->failures += !j->failures;
	j->sec = rate->sec;
	return 1;
}

/*
 * Handles a failed login by at->peer: counts it, and bans at a limit. Returns 1
 * if it took a ticket of the client's window. A global function: the verifier
 * checks it once, not on each path on which a reply is found.
 */
__noinline __weak int client_failure(const struct settings *s,
				     struct sighting *at)
{
	struct judgement j = {};
	enum event_outcome outcome;
	__u64 now, until, was;
	__u32 tick, ticket;
	struct ban_client client;
	struct client *c;
	bool over;
	int group;

	if (!s || !at)
		return 0;
	who_inside(s, &at->peer);
	group = group_of(s, &at->peer);
	if (group == GROUP_PROXY) {
		count(COUNTER_UNNAMED, 0);
		return 0;
	}
	if (group == GROUP_ALLOW || peer_allowed(s, &at->peer)) {
		count(COUNTER_FAILURE_ALLOWED, 0);
		return note_exempt(at);
	}
	client.addr = at->peer; /* Linux 6.1 wants it to be set */
	client_of(s, &client.addr, &client.addr);
	c = client_get(s, &client.addr);
	if (!c) {
		count(COUNTER_CLIENTS_FULL, 0);
		return 0;
	}
	now = now_jiffies();
	tick = window_tick(now, s->tick_shift);
	__sync_fetch_and_add(&c->failures, 1);
	c->last_seen = now;
	c->last_code = at->code;
	j.guess = guess_note(c, at->tried.guess);
	if (at->joins)
		j.guess = GUESS_AGAIN;
	at->cause = CAUSE_RATE;
	if (is_trap(s, at->tried.hash)) {
		count(COUNTER_TRAPPED, 0);
		at->cause = CAUSE_TRAP;
		j.guess = GUESS_NEW;
	}
	if (!at->unjudged)
		c->refused = tick << 1 | 1;
	was = *(volatile __u64 *)&c->until;
	if (j.guess == GUESS_AGAIN && !window_closed(was, now, s->mode)) {
		c = repeat(&client.addr, c);
		if (!c) {
			count(COUNTER_CLIENTS_FULL, 0);
			return 0;
		}
		was = *(volatile __u64 *)&c->until;
	}
	if (at->port == PORT_DELIVERY)
		c->at_delivery = tick << 1 | 1;
	if (window_closed(was, now, s->mode))
		return banned_fails(s, at, &client, c);
	/* The window of a ban from the state file is not closed. */
	if (at->port == PORT_DELIVERY && widen(at, &client))
		return tell_widened(at, c);
	count(COUNTER_FAILURE, 0);
	note_counted();
	ticket = window_add(c, tick);
	users_add(c, at->tried.hash, tick);
	if (window_begins(c, ticket, tick, s->policy[POLICY_PLAIN].rate.ticks))
		tell_regular(at, &client.addr, c, &j);
	if (net_rate_of(s, &at->peer)->failures && group != GROUP_LENIENT &&
	    j.guess != GUESS_AGAIN)
		net_failure(s, at, c);
	choose_policy(s, c, tick, group, &j);
	c->policy = j.kind;
	j.ban_sec = policy_of(s, &j)->ban_sec;
	over = limit_reached(s, c, ticket, tick, &j);
	over |= is_guarded(s, at, c, &j);
	if (s->log_failures && !over)
		j.failures =
			window_count(c, tick, policy_of(s, &j)->rate.ticks);
	if (s->log_failures)
		tell(at, &client.addr, c, &j, EVENT_FAILURE, OUTCOME_NONE);
	if (!over)
		return j.guess != GUESS_AGAIN;
	now = now_jiffies(); /* anew: `now` need not lie on the stack so long */
	until = now + policy_of(s, &j)->ban_jiffies;
	if (!window_cross(c, ticket, was, window_until(until, s->mode)))
		return 0;
	users_forget(c);
	count(COUNTER_CROSSED, 0);
	outcome = ban(s, &at->peer, &client, c, &j, was, until, now);
	if (outcome == OUTCOME_MAP_FULL) {
		count(COUNTER_BANS_FULL, 0);
		c->until = was + 2; /* not banned: counting goes on */
	} else if (outcome != OUTCOME_BANNED) {
		c->until = window_until(until, MODE_MONITOR);
	}
	tell(at, &client.addr, c, &j, EVENT_CROSSED, outcome);
	return 0; /* spent: no login makes it good any more */
}

/* Handles a failed login on a connection with these refused ones before. */
static __always_inline void
login_refused(const struct settings *s, struct refusals *r, struct sighting *at)
{
	at->joins = refusals_note(r, &at->tried,
				  window_tick(now_jiffies(), s->tick_shift));
	if (client_failure(s, at) && r->counted < MADE_GOOD_MAX)
		r->counted++;
}

/*
 * Takes up to n failures out of the client's window, the latest ones: a login
 * on the connection that they came on has made them good.
 */
static __always_inline void make_good(struct client *c, __u64 hash, __u32 n)
{
	users_drop(c, hash);
	for (__u32 i = 0; i < MADE_GOOD_MAX && i < n; i++)
		if (window_take_back(c))
			count(COUNTER_FAILURE_MADE_GOOD, 0);
}

/*
 * Handles a successful login by `peer`, as the user with this hash, or 0, which
 * makes `good` failures good: notes it in map regulars and gives credit.
 */
__noinline __weak int client_success(const struct settings *s,
				     const struct addr *peer, __u64 hash,
				     __u32 good)
{
	__u64 now = now_jiffies();
	struct addr key;
	struct client *c;

	if (!s || !peer)
		return 0;
	count(COUNTER_SUCCESS, 0);
	key = *peer;
	who_inside(s, &key);
	if (group_of(s, &key) == GROUP_PROXY)
		return 0; /* nobody knows whose */
	note_success(&key);
	account_success(s, &key, hash, good);
	client_of(s, &key, &key);
	note_login(&key, hash);
	/* CREDIT_RATIO also counts successes before the first failure. */
	c = s->credit == CREDIT_RATIO ? client_get(s, &key) :
					bpf_map_lookup_elem(&clients, &key);
	if (c) {
		if (good)
			make_good(c, hash, good);
		__sync_fetch_and_add(&c->successes, 1);
		credit_add(c, s, now, window_tick(now, s->tick_shift));
	}
	return 0;
}

/* Handles a login, as the user with this hash, behind these refused ones. */
static __always_inline void login_accepted(const struct settings *s,
					   struct refusals *r,
					   const struct addr *peer, __u64 hash)
{
	__u32 tick = window_tick(now_jiffies(), s->tick_shift);

	client_success(s, peer, hash,
		       refusals_made_good(r, hash, tick,
					  s->policy[POLICY_PLAIN].rate.ticks));
}

#endif

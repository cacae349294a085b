/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * account-rate: one user, guessed at from many networks. A user's window is a
 * client's (pure/window.h) that logs the different passwords of all networks
 * but those from which the user has ever logged in.
 *
 * Map accounts is an array, for a hash map chooses itself whom it evicts. A
 * user's hash, whose key nobody knows, chooses ACCOUNT_WAYS neighbours; of those
 * the newcomer takes the one that was silent for the longest time, but none that
 * has half of account-rate in its window. So random names evict nobody who is
 * under attack. Errors: a guess is lost that comes while another CPU takes the
 * entry; one that another CPU adds to an entry while it changes hands counts for
 * the new user.
 */
#ifndef SMTPXDP_ACCOUNT_H
#define SMTPXDP_ACCOUNT_H

#include "account_window.h"
#include "event_begin.h"
#include "maps.h"
#include "now.h"
#include "pure/guesses.h"
#include "pure/made_good.h"
#include "pure/users.h"
#include "sighting.h"

/* A network, as users.h wants it: told apart by the upper half. */
static __always_inline __u64 account_net_hash(__u64 net)
{
	return net * 0x9e3779b97f4a7c15ULL;
}

/* Is this one of trap-users? Verified once. */
__noinline __weak int is_trap(const struct settings *s, __u64 user)
{
	if (!s || !user)
		return 0;
	for (__u32 i = 0; i < TRAPS_MAX && i < s->n_traps; i++)
		if (s->traps[i] == user)
			return 1;
	return 0;
}

/* Has the user ever logged in from this network? */
static __always_inline bool account_knows(const struct sighting *at, __u64 net)
{
	struct account_net key = { at->tried.hash, net };

	return bpf_map_lookup_elem(&account_nets, &key);
}

/* Are at least so many guesses in the window? */
static __always_inline bool account_has(const struct settings *s,
					const struct client *w, __u32 tick,
					__u32 n)
{
	__u32 first = *(volatile const __u32 *)&w->head - n;

	return (__s32)(first - *(volatile const __u32 *)&w->spent) >= 0 &&
	       window_recent(w, first, tick, s->account.ticks);
}

#define ACCOUNT_NEW 0x10000 /* flag of account_find() */

/*
 * The index of the user's entry; with ACCOUNT_NEW, of one that it may take; -1:
 * there is none.
 */
__noinline __weak int account_find(const struct settings *s, __u64 user,
				   __u32 tick)
{
	__u32 first = user % (ACCOUNTS_MAX / ACCOUNT_WAYS) * ACCOUNT_WAYS;
	__u64 oldest = ~0ULL;
	int found = -1;

	if (!s)
		return -1;
	for (__u32 i = 0; i < ACCOUNT_WAYS; i++) {
		__u32 key = first + i;
		const struct account *a = bpf_map_lookup_elem(&accounts, &key);

		if (!a)
			return -1;
		if (a->user == user)
			return key;
		if (a->window.last_seen >= oldest ||
		    account_has(s, &a->window, tick,
				(s->account.failures + 1) / 2))
			continue;
		oldest = a->window.last_seen;
		found = key | ACCOUNT_NEW;
	}
	return found;
}

/* Makes an entry the user's. False: another CPU takes it. */
static __always_inline bool account_take(const struct settings *s,
					 struct account *a, __u64 user,
					 __u32 tick)
{
	__u64 was = *(volatile __u64 *)&a->user;

	if (was == user)
		return true; /* another CPU has just made it his */
	if (was == ACCOUNT_TAKEN ||
	    __sync_val_compare_and_swap(&a->user, was, ACCOUNT_TAKEN) != was)
		return false;
	if (was && account_has(s, &a->window, tick, 1))
		count(COUNTER_ACCOUNT_EVICTED, 0);
	a->told = 0;
	a->window.spent = a->window.head;
	users_forget(&a->window);
	__builtin_memset(a->window.guesses, 0, sizeof(a->window.guesses));
	*(volatile __u64 *)&a->user = user;
	return true;
}

/* The user's entry, a new one if need be; NULL: no room. */
static __always_inline struct account *account_get(const struct settings *s,
						   __u64 user, __u32 tick)
{
	int found = account_find(s, user, tick);
	__u32 key = found & (ACCOUNT_NEW - 1);
	struct account *a;

	if (found < 0)
		return NULL;
	a = bpf_map_lookup_elem(&accounts, &key);
	if (!a || (found & ACCOUNT_NEW && !account_take(s, a, user, tick)))
		return NULL;
	return a;
}

/* Tells the daemon that a user is under attack. */
static __noinline int account_tell(const struct settings *s,
				   const struct sighting *at)
{
	struct event *e = event_of(EVENT_ACCOUNT, at, s->account.failures,
				   s->account.sec);

	if (!e)
		return 0;
	e->user_len = at->tried.len;
	__builtin_memcpy(e->user, at->tried.name, USER_NAME_SIZE);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* The attack goes on: tells of it, unless that was done. */
static __always_inline void account_crossed(const struct settings *s,
					    struct account *a,
					    const struct sighting *at)
{
	__u64 now = now_jiffies(), was = *(volatile __u64 *)&a->told;
	__u64 until = now + ((__u64)s->account.ticks << s->tick_shift);

	if (__sync_val_compare_and_swap(&a->told, was, until) != was ||
	    now < was)
		return;
	count(COUNTER_ACCOUNT_CROSSED, 0);
	account_tell(s, at);
}

/*
 * Counts a failed login for the user tried. Returns CAUSE_ACCOUNT if the user
 * is under attack. A password that is not known counts once for each network:
 * it may be one device's.
 */
__noinline __weak int account_failure(const struct settings *s,
				      const struct sighting *at)
{
	struct account *a;
	__u32 tick, ticket, guess;
	__u64 net;

	if (!s || !at || !at->tried.hash || !s->account.failures)
		return CAUSE_RATE;
	net = brake_net(&at->peer);
	if (account_knows(at, net))
		return CAUSE_RATE;
	tick = window_tick(now_jiffies(), s->tick_shift);
	a = account_get(s, at->tried.hash, tick);
	if (!a) {
		count(COUNTER_ACCOUNT_FULL, 0);
		return CAUSE_RATE;
	}
	net = account_net_hash(net);
	guess = at->tried.guess ? at->tried.guess : net >> 48;
	if (guess_note(&a->window, guess) == GUESS_AGAIN)
		return CAUSE_RATE;
	a->window.last_seen = now_jiffies();
	ticket = window_add(&a->window, tick);
	users_add(&a->window, net, tick);
	if (!window_reached(&a->window, ticket, tick, &s->account,
			    a->window.spent) ||
	    users_count(&a->window, tick, s->account.ticks) < ACCOUNT_NETS)
		return CAUSE_RATE;
	account_crossed(s, a, at);
	return CAUSE_ACCOUNT;
}

/* Takes up to n guesses back: a login has made them good. */
static __always_inline void account_make_good(const struct settings *s,
					      __u64 user, __u64 net, __u32 n)
{
	int found = account_find(s, user,
				 window_tick(now_jiffies(), s->tick_shift));
	__u32 key = found & (ACCOUNT_NEW - 1);
	struct account *a;

	if (found < 0 || found & ACCOUNT_NEW)
		return;
	a = bpf_map_lookup_elem(&accounts, &key);
	if (!a)
		return;
	users_drop(&a->window, account_net_hash(net));
	for (__u32 i = 0; i < MADE_GOOD_MAX && i < n; i++)
		window_take_back(&a->window);
}

/*
 * Notes that a user has logged in from a network; `good`: failures before, on
 * that connection, that are none now. Where the network was known, they did not
 * count.
 */
__noinline __weak int account_success(const struct settings *s,
				      const struct addr *peer, __u64 user,
				      __u32 good)
{
	struct account_login now = { now_boot_ns() }, *l;
	struct account_net key;

	if (!s || !peer || !user)
		return 0;
	key.user = user;
	key.net = brake_net(peer);
	l = bpf_map_lookup_elem(&account_nets, &key);
	if (l) {
		l->last = now.last;
		return 0;
	}
	bpf_map_update_elem(&account_nets, &key, &now, BPF_ANY);
	if (good)
		account_make_good(s, user, key.net, good);
	return 0;
}

#endif

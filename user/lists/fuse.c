// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/fuse.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/duration.h"
#include "maps/counter_map.h"
#include "maps/settings_map.h"
#include "tell/journal.h"

#define SLOTS (FUSE_SECONDS + 1)
#define NSEC 1000000000ULL
/* Without a daemon, the programs close the fuse after this time. */
#define HOLD_SECONDS 30
/* More within FUSE_SECONDS are not kept: fuse-clients is no greater. */
#define FAILING_MAX 1000000
#define NAMES_TOLD 5

void fuse_note(struct fuse *f, const struct fuse_client *c)
{
	if (f->n < FAILING_MAX &&
	    !array_grow(&f->failing, &f->room, f->n + 1, sizeof(*f->failing)))
		f->failing[f->n++] = *c;
}

void fuse_free(struct fuse *f)
{
	free(f->failing);
	*f = (struct fuse){};
}

/* The logins of the last so many seconds, as far as the counts go back. */
static uint64_t successes_of(const struct fuse *f, uint64_t now,
			     unsigned int seconds)
{
	unsigned int back = seconds < f->known ? seconds : f->known - 1;

	return now - f->at[(f->next + SLOTS - 1 - back) % SLOTS];
}

/* Forgets who began to fail before the last FUSE_SECONDS. */
static void forget_old(struct fuse *f, uint64_t second)
{
	size_t old = 0;

	while (old < f->n && f->failing[old].second + FUSE_SECONDS <= second)
		old++;
	if (!old)
		return;
	f->n -= old;
	memmove(f->failing, f->failing + old, f->n * sizeof(*f->failing));
}

static int by_network(const void *a, const void *b)
{
	const struct fuse_client *x = a, *y = b;

	return memcmp(&x->network, &y->network, sizeof(x->network));
}

static int by_account(const void *a, const void *b)
{
	const struct fuse_client *x = a, *y = b;

	return x->account < y->account ? -1 : x->account > y->account;
}

/* Keeps one client of each network, then one of each user: how many. */
static size_t tell_apart(struct fuse_client *c, size_t n)
{
	size_t networks = 0, left = 0;

	qsort(c, n, sizeof(*c), by_network);
	for (size_t i = 0; i < n; i++)
		if (!networks || by_network(&c[i], &c[networks - 1]))
			c[networks++] = c[i];
	qsort(c, networks, sizeof(*c), by_account);
	for (size_t i = 0; i < networks; i++)
		if (!left || !c[i].account || by_account(&c[i], &c[left - 1]))
			c[left++] = c[i];
	return left;
}

/*
 * Counts who began to fail within the last why->seconds, apart; unless all of
 * them are fewer than `clients`.
 */
static void count_failing(const struct fuse *f, uint64_t second,
			  uint32_t clients, struct fuse_figures *why)
{
	struct fuse_client *c;
	size_t first = 0, n;

	why->failing = why->names = 0;
	while (first < f->n &&
	       f->failing[first].second + why->seconds <= second)
		first++;
	n = f->n - first;
	c = n && n >= clients ? malloc(n * sizeof(*c)) : NULL;
	if (!c)
		return;
	memcpy(c, f->failing + first, n * sizeof(*c));
	why->failing = tell_apart(c, n);
	while (why->names < why->failing && why->names < FUSE_NAMES) {
		why->name[why->names] = c[why->names].client;
		why->names++;
	}
	free(c);
}

static bool turns(const struct fuse *f, uint64_t second, uint32_t clients,
		  struct fuse_figures *why)
{
	if (f->blown)
		return 2 * why->successes >= clients && why->successes;
	count_failing(f, second, clients, why);
	return why->failing >= clients && 2 * why->successes < why->failing;
}

enum fuse_turn fuse_step(struct fuse *f, uint64_t second, uint64_t successes,
			 uint32_t clients, struct fuse_figures *why)
{
	static const unsigned int windows[] = { 10, 60, FUSE_SECONDS };

	memset(why, 0, sizeof(*why));
	if (!f->known) /* logins are known from now on */
		f->n = 0;
	f->at[f->next] = successes;
	f->next = (f->next + 1) % SLOTS;
	f->known += f->known < SLOTS;
	forget_old(f, second);
	if (!clients && !f->blown)
		return FUSE_STAYS;
	for (int i = 0; i < 3; i++) {
		why->seconds = windows[i];
		why->successes = successes_of(f, successes, windows[i]);
		if (clients && !turns(f, second, clients, why))
			continue;
		/* What led to this turn must not lead to the next. */
		f->blown = !f->blown;
		f->known = 1;
		f->n = 0;
		return f->blown ? FUSE_BLOWS : FUSE_CLOSES;
	}
	return FUSE_STAYS;
}

int fuse_read(const struct pins *p, struct fuse_state *s)
{
	return bpf_map_lookup_elem(p->map[MAP_FUSE], &(__u32){ 0 }, s) ?
		       -errno :
		       0;
}

/* Tells the programs, and map fuse; `why` if the fuse has just blown. */
static void hold(struct pins *p, const struct clock_pair *now, bool blown,
		 const struct fuse_figures *why)
{
	uint64_t until = blown ? now->jiffies + HOLD_SECONDS * clock_hz() : 0;
	struct fuse_state s = {};

	if (!blown && !p->slots->fuse_until)
		return;
	__atomic_store_n(&p->slots->fuse_until, until, __ATOMIC_RELEASE);
	if (why) {
		s = (struct fuse_state){ .since = now->boot_ns,
					 .seconds = why->seconds,
					 .clients = why->failing,
					 .successes = why->successes,
					 .names = why->names };
		memcpy(s.name, why->name, sizeof(s.name));
	} else if (blown) {
		fuse_read(p, &s);
	}
	s.until = until;
	bpf_map_update_elem(p->map[MAP_FUSE], &(__u32){ 0 }, &s, BPF_ANY);
}

const char *fuse_names(const struct net *name, unsigned int n,
		       unsigned int most, char *buf, size_t size)
{
	char net[NET_TEXT];
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < n && i <= most && at < size; i++)
		at += snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
			       i < most ? net_format(&name[i], net) : "...");
	return buf;
}

static void note_turn(enum fuse_turn turn, const struct fuse_figures *why)
{
	char time[DURATION_TEXT], names[NAMES_TOLD * (NET_TEXT + 2) + 8];

	duration_format(why->seconds, time);
	if (turn == FUSE_BLOWS)
		journal_note(
			MESSAGE_FUSE_BLOWN,
			"the fuse has blown: %llu clients that used to log in, "
			"of different networks and users, began to fail within "
			"%s, and %llu logins succeeded: is the password "
			"database out of order? Bans are held back until logins "
			"succeed again. The clients: %s",
			(unsigned long long)why->failing, time,
			(unsigned long long)why->successes,
			fuse_names(why->name, why->names, NAMES_TOLD, names,
				   sizeof(names)));
	else if (turn == FUSE_CLOSES)
		journal_note(MESSAGE_FUSE_CLOSED,
			     "the fuse is closed again: %llu logins succeeded "
			     "within %s; clients are banned as before",
			     (unsigned long long)why->successes, time);
}

void fuse_resume(struct pins *p, struct fuse *f)
{
	struct clock_pair now;
	struct fuse_state s;

	if (fuse_read(p, &s) || clock_read(p->prog[PROG_CLOCK], &now) ||
	    now.jiffies >= s.until)
		return;
	f->blown = true;
	__atomic_store_n(&p->slots->fuse_until, s.until, __ATOMIC_RELEASE);
}

void fuse_watch(struct pins *p, struct fuse *f)
{
	struct counter_value successes;
	struct fuse_figures why;
	struct clock_pair now;
	enum fuse_turn turn;

	if (counter_read(p, COUNTER_SUCCESS, &successes) ||
	    clock_read(p->prog[PROG_CLOCK], &now))
		return;
	turn = fuse_step(f, now.boot_ns / NSEC, successes.packets,
			 settings_now(p)->fuse_clients, &why);
	hold(p, &now, f->blown, turn == FUSE_BLOWS ? &why : NULL);
	note_turn(turn, &why);
}

bool fuse_holds_bans(const struct pins *p, uint64_t jiffies)
{
	return jiffies <
	       __atomic_load_n(&p->slots->fuse_until, __ATOMIC_ACQUIRE);
}

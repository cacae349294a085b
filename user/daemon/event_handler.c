// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/event_handler.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "maps/counter_map.h"
#include "daemon/cut_queue.h"
#include "base/duration.h"
#include "groups.h"
#include "daemon/groups_watch.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "lists/policy.h"
#include "maps/settings_map.h"
#include "tls/tls_watch.h"
#include "pure/window.h"

#define NSEC 1000000000ULL
/* A provisional ban this old: its event is not coming any more. */
#define EVENT_LATE_NSEC (2 * NSEC)

/* "10 failures in 2m", "8 clients in 1h", as `ban list` and the journal give
 * it. */
static void reason_of(char *buf, size_t size, uint32_t failures,
		      const char *what, uint32_t window_sec)
{
	char window[DURATION_TEXT];

	snprintf(buf, size, "%u %s%s in %s", failures, what,
		 failures == 1 ? "" : "s", duration_format(window_sec, window));
}

/* Why somebody who reached the rate is not banned. */
static const char *excuse(const struct event *e)
{
	return e->outcome == OUTCOME_BRAKE ?
		       " (not banned: max-bans-per-minute is reached)" :
	       e->outcome == OUTCOME_FUSE ?
		       " (not banned: the fuse has blown)" :
		       "";
}

/*
 * Is the kernel's provisional ban of this event still there? If not, it was
 * lifted before we came to it: it must not be made again, and is forgiven.
 */
static bool is_ours(const struct pins *p, const struct event *e,
		    const struct net *net)
{
	struct ban b;

	return !banlist_get(p, net, &b) && b.flags & BAN_PROVISIONAL &&
	       b.since <= e->boot_ns + EVENT_LATE_NSEC &&
	       e->boot_ns <= b.since + EVENT_LATE_NSEC;
}

static int remember(struct pins *p, const struct net *net, uint32_t offence,
		    uint64_t until)
{
	struct history h = { .until = until, .offences = offence };

	return history_put(p, net, &h);
}

/*
 * The final ban: from the moment of the crossing, for as long as the policy
 * says. The kernel did not shorten one that held longer, nor do we touch it.
 */
static int write_final(struct pins *p, const struct event *e,
		       const struct net *net, uint32_t seconds,
		       const struct clock_pair *now)
{
	struct ban b = { .since = e->boot_ns,
			 .failures = e->failures,
			 .code = e->code,
			 .window = e->window_sec };

	if (e->kind == EVENT_NET_CROSSED)
		reason_of(b.reason, sizeof(b.reason), e->failures, "client",
			  e->window_sec);
	b.expires = now->jiffies + (uint64_t)seconds * clock_hz() -
		    (now->boot_ns - e->boot_ns) / (NSEC / clock_hz());
	return b.expires > now->jiffies ? banlist_put(p, net, &b) : 0;
}

int handle_crossing(struct pins *p, const struct event *e, struct decision *d)
{
	struct net net = net_of(&e->client, e->len);
	struct clock_pair now = {};
	int err = clock_read(p->prog[PROG_CLOCK], &now);
	struct history past = {};

	/* Clients come back; what a network did before is not kept. */
	if (e->kind == EVENT_CROSSED)
		past = history_recall(p, &net, now.boot_ns);
	*d = policy_decide(e, settings_now(p), &past);
	if (err || !d->ban ||
	    (e->outcome == OUTCOME_BANNED && !is_ours(p, e, &net)))
		return err;
	err = write_final(p, e, &net, d->seconds, &now);
	if (!err && e->kind == EVENT_CROSSED)
		err = remember(p, &net, d->offence,
			       e->boot_ns + d->seconds * NSEC);
	return err;
}

/* What an event has to tell of a client. */
static struct record record_of(const struct handler *h, enum message kind,
			       const struct event *e, const struct net *net)
{
	struct geo_place at;

	geo_look(h->groups ? h->groups->geo : NULL, &e->client, &at);
	return (struct record){
		.group = e->policy == POLICY_STRICT  ? GROUP_STRICT :
			 e->policy == POLICY_LENIENT ? GROUP_LENIENT :
						       GROUP_NONE,
		.country = { at.country[0], at.country[1] },
		.asn = at.asn,
		.kind = kind,
		.client = &e->client,
		.net = net,
		.code = e->code,
		.failures = e->failures,
		.window_sec = e->window_sec,
		.sensor = e->sensor,
		.unanswered = e->unanswered,
		.regular = e->regular,
		.offender = e->offender,
		.users = e->users,
		.ifindex = e->ifindex,
		.text = e->text,
		.text_len = e->text_len,
		.user = e->user,
		.user_len = e->user_len,
	};
}

static void crossed(struct handler *h, const struct event *e)
{
	struct pins *p = h->pins;
	struct net net = net_of(&e->client, e->len);
	char reason[2 * BAN_REASON_SIZE];
	struct decision d;
	struct record r = record_of(h, MESSAGE_BAN, e, &net);
	int lock, err;

	reason_of(reason, sizeof(reason), e->failures,
		  e->kind == EVENT_NET_CROSSED ? "client" : "failure",
		  e->window_sec);
	strcat(reason, excuse(e));
	r.reason = reason;
	lock = pins_lock_writer(p->dir);
	err = handle_crossing(p, e, &d);
	pins_unlock(lock);
	r.kind = d.ban ? MESSAGE_BAN : MESSAGE_WOULD_BAN;
	r.duration = d.seconds;
	r.offence = d.offence;
	if (err == -E2BIG)
		r.kind = MESSAGE_BANS_FULL;
	else if (err)
		journal_note(MESSAGE_FAULT,
			     "cannot write a ban: %s; the provisional one of "
			     "the kernel holds",
			     strerror(-err));
	journal_record(&r);
	if (r.kind == MESSAGE_BAN && h->cuts)
		cut_queue_add(h->cuts, &net);
}

static void failed(const struct handler *h, const struct event *e)
{
	struct net net = net_of(&e->client, e->len);
	struct record r = record_of(h, MESSAGE_FAILURE, e, &net);

	journal_record(&r);
}

int handle_event(void *ctx, void *data, size_t size)
{
	struct handler *h = ctx;
	struct event e;

	if (size < sizeof(e))
		return 0;
	memcpy(&e, data, sizeof(e));
	if (e.version != EVENT_VERSION || e.len > ADDR_BITS ||
	    e.text_len > TEXT_SIZE || e.user_len > USER_NAME_SIZE)
		return 0;
	if (e.kind == EVENT_FAILURE)
		failed(h, &e);
	else if (e.kind == EVENT_CROSSED || e.kind == EVENT_NET_CROSSED)
		crossed(h, &e);
	else if (e.kind == EVENT_PROCESS && h->tls)
		tls_look(h->pins, h->tls, e.pid);
	return 0;
}

struct sweep {
	struct pins *p;
	struct cut_queue *cuts;
	struct clock_pair now;
};

static void expired(struct pins *p, const struct ban_row *row)
{
	struct record r = {
		.kind = MESSAGE_EXPIRE,
		.net = &row->net,
		.code = row->ban.code,
		.failures = row->ban.failures,
		.packets = row->ban.packets,
		.bytes = row->ban.bytes,
	};

	if (banlist_expire(p, &row->net) || row->ban.flags & BAN_TEST)
		return;
	journal_record(&r);
}

/* The kernel banned, but could not tell us: the ring buffer was full. */
static void untold(const struct sweep *s, const struct ban_row *row)
{
	struct history past = history_recall(s->p, &row->net, s->now.boot_ns);
	uint32_t offence = past.offences + 1, base, seconds;
	char reason[BAN_REASON_SIZE];
	struct ban b = row->ban;
	struct record r = {
		.kind = MESSAGE_BAN,
		.net = &row->net,
		.code = b.code,
		.failures = b.failures,
		.offence = offence,
		.reason = reason,
	};

	base = clock_until(&s->now, b.expires);
	seconds = policy_ban_time(settings_now(s->p), base, offence);
	r.duration = seconds;
	b.expires += (uint64_t)(seconds - base) * clock_hz();
	snprintf(reason, sizeof(reason), "%u failures (its event was lost)",
		 b.failures);
	snprintf(b.reason, sizeof(b.reason), "%s", reason);
	b.flags &= ~BAN_PROVISIONAL;
	if (banlist_put(s->p, &row->net, &b))
		return;
	remember(s->p, &row->net, offence, clock_boot_of(&s->now, b.expires));
	journal_record(&r);
	cut_queue_add(s->cuts, &row->net);
}

static int sweep_one(const struct ban_row *row, void *ctx)
{
	const struct sweep *s = ctx;

	if (row->ban.expires <= s->now.jiffies)
		expired(s->p, row);
	else if (row->ban.flags & BAN_PROVISIONAL &&
		 row->ban.since + EVENT_LATE_NSEC < s->now.boot_ns)
		untold(s, row);
	return 0;
}

/*
 * Were events lost since we were last here? Told once, whichever daemon it is
 * that tells. Needs the writers' lock.
 */
static bool events_lost(struct pins *p)
{
	static uint64_t known;
	struct counter_value lost;
	struct daemon_info *info;

	if (counter_read(p, COUNTER_EVENT_LOST, &lost) || lost.packets <= known)
		return false;
	info = malloc(sizeof(*info));
	if (info && !daemon_read(p, info) && lost.packets > info->lost_told) {
		journal_note(
			MESSAGE_EVENTS_LOST,
			"%llu events were lost: the ring buffer was full. "
			"Bans were written all the same",
			(unsigned long long)(lost.packets - info->lost_told));
		info->lost_told = lost.packets;
		daemon_write(p, info);
	}
	known = lost.packets;
	free(info);
	return true;
}

/* To look for those that nobody has told us of takes longer: not every time. */
#define UNTOLD_SWEEPS 5

void handle_sweep(struct handler *h)
{
	static unsigned int since_untold = UNTOLD_SWEEPS;
	struct pins *p = h->pins;
	struct sweep s = { .p = p, .cuts = h->cuts };
	int lock = pins_try_lock_writer(p->dir), err;

	if (lock == -EWOULDBLOCK)
		return; /* a command is at it: next time */
	if (events_lost(p) || ++since_untold >= UNTOLD_SWEEPS)
		since_untold = 0;
	err = clock_read(p->prog[PROG_CLOCK], &s.now);
	if (!err)
		err = banlist_each_due(p, s.now.jiffies, !since_untold,
				       sweep_one, &s);
	if (!err)
		err = banlist_tidy(p);
	pins_unlock(lock);
	if (err)
		journal_note(MESSAGE_FAULT, "cannot walk the ban list: %s",
			     strerror(-err));
	if (h->tls)
		tls_watch(p, h->tls);
}

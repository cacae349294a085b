// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/event_handler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_window.h"
#include "base/address.h"
#include "lists/banlist.h"
#include "lists/owners.h"
#include "maps/clients_map.h"
#include "maps/counter_map.h"
#include "daemon/cut_queue.h"
#include "base/duration.h"
#include "groups.h"
#include "daemon/groups_watch.h"
#include "daemon/on_event.h"
#include "maps/groups_map.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "lists/fuse.h"
#include "lists/policy.h"
#include "maps/settings_map.h"
#include "tls/tls_watch.h"
#include "pure/window.h"

#define NSEC 1000000000ULL
/* The event of a provisional ban that is older was lost. */
#define EVENT_LATE_NSEC (2 * NSEC)

/* "10 failures in 2m", "8 clients in 1h": in `ban list` and the journal. */
static void format_reason(char *buf, size_t size, uint32_t failures,
			  const char *what, uint32_t window_sec)
{
	char window[DURATION_TEXT];

	snprintf(buf, size, "%u %s%s in %s", failures, what,
		 failures == 1 ? "" : "s", duration_format(window_sec, window));
}

/* Has a proxy named the client? */
static bool is_proxied(const struct event *e)
{
	static const struct addr none;

	return e->kind == EVENT_CROSSED &&
	       memcmp(&e->proxy, &none, sizeof(none));
}

/* Adds " via 192.0.2.7", where a proxy has named the client. */
static void add_proxy(char *buf, size_t size, const struct event *e)
{
	char proxy[ADDR_TEXT];
	size_t n = strlen(buf);

	if (is_proxied(e))
		snprintf(buf + n, size - n, " via %s",
			 addr_format(&e->proxy, proxy));
}

/* The number of the AS of rated-asns that the client is in; 0: gone since. */
static uint32_t rated_as(const struct pins *p, const struct event *e)
{
	struct net host = net_of(&e->client, ADDR_BITS);
	struct group_entry g;

	return groups_find(p, &host, &g) ? g.asn : 0;
}

/* Adds why a client was banned before it reached a rate. */
static void add_cause(const struct pins *p, char *buf, size_t size,
		      const struct event *e)
{
	size_t n = strlen(buf);

	if (e->kind != EVENT_CROSSED)
		return;
	if (e->cause == CAUSE_AS)
		snprintf(buf + n, size - n, ", as one of many of AS%u",
			 rated_as(p, e));
	else if (e->cause)
		snprintf(buf + n, size - n, ", as a %s",
			 e->cause == CAUSE_TRAP ? "trap user" :
						  "user under attack");
}

/* Why the kernel did not ban a client that reached the rate. */
static const char *excuse(const struct event *e)
{
	return e->outcome == OUTCOME_BRAKE ?
		       " (not banned: max-bans-per-minute is reached)" :
	       e->outcome == OUTCOME_BRAKE_SHARE ?
		       " (not banned: its network has used its share of "
		       "max-bans-per-minute)" :
	       e->outcome == OUTCOME_FUSE ?
		       " (not banned: the fuse has blown)" :
	       e->outcome == OUTCOME_FRONT ?
		       " (not banned: many accounts log in from there)" :
		       "";
}

/*
 * Does the kernel's provisional ban of this event still stand? If not, a
 * command lifted it before the daemon read the event: then no ban is made, and
 * the offence does not count.
 */
static bool still_stands(const struct pins *p, const struct event *e,
			 const struct net *net)
{
	struct ban b;

	return !banlist_get(p, net, &b) && b.flags & BAN_PROVISIONAL &&
	       b.since <= e->boot_ns + EVENT_LATE_NSEC &&
	       e->boot_ns <= b.since + EVENT_LATE_NSEC;
}

/* BAN_SPARES, if the kernel's provisional ban has it; else 0. */
static uint8_t spares(const struct pins *p, const struct event *e,
		      const struct net *net)
{
	struct ban b;

	return e->outcome == OUTCOME_BANNED && !banlist_get(p, net, &b) ?
		       b.flags & BAN_SPARES :
		       0;
}

static int remember(struct pins *p, const struct net *net, uint32_t offence,
		    uint64_t until)
{
	struct history h = { .until = until, .offences = offence };

	return history_put(p, net, &h);
}

/*
 * Writes the final ban: from the time of the crossing, for the seconds that the
 * policy says.
 */
static int write_final(struct pins *p, const struct event *e,
		       const struct net *net, uint32_t seconds,
		       const struct clock_pair *now)
{
	struct ban b = { .since = e->boot_ns,
			 .flags = spares(p, e, net),
			 .failures = e->failures,
			 .code = e->code,
			 .window = e->window_sec };
	int err;

	if (e->kind == EVENT_NET_CROSSED)
		format_reason(b.reason, sizeof(b.reason), e->failures, "client",
			      e->window_sec);
	else if (is_proxied(e) || e->cause) {
		format_reason(b.reason, sizeof(b.reason), e->failures,
			      "failure", e->window_sec);
		add_cause(p, b.reason, sizeof(b.reason), e);
		add_proxy(b.reason, sizeof(b.reason), e);
	}
	b.expires = now->jiffies + (uint64_t)seconds * clock_hz() -
		    (now->boot_ns - e->boot_ns) / (NSEC / clock_hz());
	if (b.expires <= now->jiffies)
		return 0;
	/* A client's takes the place of the provisional one: it may be shorter. */
	if (e->kind == EVENT_CROSSED)
		return banlist_put(p, net, &b);
	err = owners_claim(p, &(struct ban_row){ *net, b }, now);
	return err < 0 ? err : 0;
}

static uint64_t end_of_ban(const struct event *e, uint32_t seconds)
{
	return e->boot_ns + seconds * NSEC;
}

/*
 * The client's past without this event. A daemon that was killed while it
 * handled the event may have remembered it: the next one reads it again.
 */
static struct history past_before(const struct pins *p, const struct event *e,
				  const struct net *net, uint64_t now)
{
	struct history past = history_recall(p, net, now);
	uint32_t seconds =
		policy_ban_time(settings_now(p), e->ban_sec, past.offences);

	if (past.offences && (uint64_t)past.until == end_of_ban(e, seconds))
		past.offences--;
	return past;
}

int handle_crossing(struct pins *p, const struct event *e,
		    const struct net *net, struct decision *d)
{
	struct clock_pair now = {};
	int err = clock_read(p->prog[PROG_CLOCK], &now);
	struct history past = past_before(p, e, net, now.boot_ns);

	*d = policy_decide(e, settings_now(p), &past);
	if (err || !d->ban ||
	    (e->outcome == OUTCOME_BANNED && !still_stands(p, e, net)))
		return err;
	/* Before a ban that stands is final: who is killed loses no offence. */
	if (e->outcome == OUTCOME_BANNED)
		err = remember(p, net, d->offence, end_of_ban(e, d->seconds));
	if (!err)
		err = write_final(p, e, net, d->seconds, &now);
	if (!err && e->outcome != OUTCOME_BANNED)
		err = remember(p, net, d->offence, end_of_ban(e, d->seconds));
	return err;
}

/*
 * An event, and whose it is. Its address and length become networks here, once;
 * all that follows takes these.
 */
struct incident {
	const struct event *e;
	struct net host; /* the peer */
	struct net
		client; /* or, of EVENT_NET_CROSSED, the network that crossed */
};

/* The record of an event, which points into *i. */
static struct record record_of(const struct handler *h, enum message kind,
			       const struct incident *i)
{
	const struct event *e = i->e;
	struct geo_place at;

	geo_look(h->groups ? h->groups->geo : NULL, &i->host, &at);
	return (struct record){
		.group = e->policy == POLICY_STRICT  ? GROUP_STRICT :
			 e->policy == POLICY_LENIENT ? GROUP_LENIENT :
						       GROUP_NONE,
		.country = { at.country[0], at.country[1] },
		.asn = at.asn,
		.kind = kind,
		.client = &i->host,
		.net = &i->client,
		.code = e->code,
		.failures = e->failures,
		.window_sec = e->window_sec,
		.sensor = e->sensor,
		.unanswered = e->unanswered,
		.regular = e->regular,
		.offender = e->offender,
		.again = e->policy == POLICY_STALE,
		.users = e->users,
		.ifindex = e->ifindex,
		.text = e->text,
		.text_len = e->text_len,
		.user = e->user,
		.user_len = e->user_len,
	};
}

static void crossed(struct handler *h, const struct incident *i)
{
	struct record r = record_of(h, MESSAGE_BAN, i);
	const struct event *e = i->e;
	char reason[3 * BAN_REASON_SIZE];
	struct pins *p = h->pins;
	struct decision d;
	int lock, err;

	format_reason(reason, sizeof(reason), e->failures,
		      e->kind == EVENT_NET_CROSSED ? "client" : "failure",
		      e->window_sec);
	add_cause(p, reason, sizeof(reason), e);
	add_proxy(reason, sizeof(reason), e);
	strcat(reason, excuse(e));
	r.reason = reason;
	lock = pins_lock_writer(p->dir);
	err = handle_crossing(p, e, &i->client, &d);
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
		cut_queue_add(h->cuts, &i->client);
	if (r.kind == MESSAGE_BAN && h->on_event)
		on_event_ban(h->on_event, p, &r);
}

static void failed(const struct handler *h, const struct incident *i)
{
	struct record r = record_of(h, MESSAGE_FAILURE, i);

	journal_record(&r);
}

static void attacked(const struct handler *h, const struct incident *i)
{
	struct record r = record_of(h, MESSAGE_ACCOUNT, i);

	journal_record(&r);
}

static void as_attacked(const struct handler *h, const struct incident *i)
{
	struct record r = record_of(h, MESSAGE_AS, i);

	r.asn = rated_as(h->pins, i->e);
	journal_record(&r);
}

static void regular_fails(struct handler *h, const struct incident *i)
{
	if (h->fuse)
		fuse_note(h->fuse, &(struct fuse_client){
					   .client = i->client,
					   .network = net_block(&i->host),
					   .account = i->e->account,
					   .second = i->e->boot_ns / NSEC });
}

/* A ban closes all ports now. */
static void widened(struct handler *h, const struct incident *i)
{
	changes_note(&h->pins->changes, CHANGE_BAN, &i->client);
	journal_record(&(struct record){ .kind = MESSAGE_WIDENED,
					 .client = &i->host,
					 .net = &i->client });
	if (h->cuts)
		cut_queue_add(h->cuts, &i->client);
}

static void claimed(const struct incident *i)
{
	char peer[ADDR_TEXT];

	journal_note(
		MESSAGE_BLIND,
		"%s sends %s, port %u takes "
		"it, and the key proxies does not name it: its clients are "
		"not told apart; if it is a proxy of yours: smtpxdp config "
		"set proxies",
		host_format(&i->host, peer),
		i->e->code ? "XCLIENT" : "the header of the PROXY protocol",
		i->e->port);
}

int handle_event(void *ctx, void *data, size_t size)
{
	struct handler *h = ctx;
	struct incident i;
	struct event e;

	/* programs of a version before this one send less */
	if (size < offsetof(struct event, proxy))
		return 0;
	memset(&e, 0, sizeof(e));
	memcpy(&e, data, size < sizeof(e) ? size : sizeof(e));
	if (e.version != EVENT_VERSION || e.len > ADDR_BITS ||
	    e.text_len > TEXT_SIZE || e.user_len > USER_NAME_SIZE)
		return 0;
	i = (struct incident){ .e = &e,
			       .host = net_of(&e.client, ADDR_BITS),
			       .client = net_of(&e.client, e.len) };
	if (e.kind == EVENT_FAILURE)
		failed(h, &i);
	else if (e.kind == EVENT_CROSSED || e.kind == EVENT_NET_CROSSED)
		crossed(h, &i);
	else if (e.kind == EVENT_ACCOUNT)
		attacked(h, &i);
	else if (e.kind == EVENT_AS)
		as_attacked(h, &i);
	else if (e.kind == EVENT_REGULAR)
		regular_fails(h, &i);
	else if (e.kind == EVENT_PROXIED && h->cuts)
		cut_queue_add(h->cuts, &i.host);
	else if (e.kind == EVENT_CLAIM)
		claimed(&i);
	else if (e.kind == EVENT_WIDENED)
		widened(h, &i);
	else if (e.kind == EVENT_PROCESS && h->tls)
		tls_look(h->pins, h->tls, e.pid);
	return 0;
}

struct sweep {
	struct pins *p;
	struct cut_queue *cuts;
	struct on_event *on_event;
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

/* Completes a provisional ban whose event found the ring buffer full. */
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
	if (s->on_event)
		on_event_ban(s->on_event, s->p, &r);
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
 * Were events lost since the last call? Tells the journal, once: map daemon
 * holds the number that was told, also for the next daemon. The caller holds
 * the writers' lock.
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

static void count_untold(struct pins *p)
{
	uint64_t n = journal_lost();

	if (n)
		counter_add(p, COUNTER_JOURNAL_LOST, n);
}

/* To look for bans whose event was lost takes long: every fifth sweep does. */
#define UNTOLD_SWEEPS 5

void handle_sweep(struct handler *h)
{
	static unsigned int since_untold = UNTOLD_SWEEPS;
	struct pins *p = h->pins;
	struct sweep s = { .p = p, .cuts = h->cuts, .on_event = h->on_event };
	int lock = pins_try_lock_writer(p->dir), err;

	if (lock == -EWOULDBLOCK)
		return; /* a command writes: the next sweep will do */
	count_untold(p);
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
}

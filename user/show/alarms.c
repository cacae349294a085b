// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/alarms.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/escape.h"
#include "config/config.h"
#include "groups.h"
#include "lists/allowlist.h"
#include "maps/brake_map.h"
#include "maps/groups_map.h"
#include "maps/settings_map.h"
#include "maps/sign_map.h"
#include "show/alarms_fronts.h"
#include "show/alarms_ways.h"
#include "tls/tls_watch.h"

/* So many signs of a kind are a problem. */
#define UNATTRIBUTED_MIN 5
#define UNSEEN_MIN 3
/* A library that has just turned up is not probed yet. */
#define UNSEEN_NSEC (5 * SIGN_NSEC)
#define ROOM_PERCENT 90
#define BRAKE_SECONDS 60
#define GOES_ON_MIN 3
/* So many failures of one address, and more than half of all. */
#define EXEMPT_MIN 20

struct watch {
	struct checkup *c;
	struct clock_pair now;
};

/* " by eth1", or "" if the interface is not known. */
static const char *by_iface(const struct sign *s, char *buf, size_t size)
{
	char name[IF_NAMESIZE];

	*buf = '\0';
	if (s->ifindex && if_indextoname(s->ifindex, name))
		snprintf(buf, size, " by %s", name);
	return buf;
}

static void tell_passes(const struct watch *w, const struct sign *s,
			bool accepted)
{
	char text[2 * PROBLEM_SIZE], who[ADDR_TEXT], by[32];

	addr_format(&s->who, who);
	snprintf(text, sizeof(text),
		 accepted ? "it is banned, and a mail server has accepted a "
			    "connection of it on port %u%s: its packets come "
			    "by a way where nothing is dropped" :
			    "it is banned, and its logins on port %u%s go on "
			    "to fail: its packets come by a way where nothing "
			    "is dropped",
		 s->port, by_iface(s, by, sizeof(by)));
	problem(w->c, HEALTH_PASSES, who, text,
		"name the interface where it comes in with the key interfaces "
		"(of a bridge, the port that leads outside); if clients see "
		"another port than the server, name theirs with the key ports, "
		"too");
}

static void passed_elsewhere(const struct elsewhere *e, void *ctx)
{
	const struct watch *w = ctx;

	if (sign_is_recent(&e->passes, w->now.boot_ns))
		tell_passes(w, &e->passes, true);
}

/* A banned client's connection came about, or its logins go on. */
static void check_banned(struct watch *w)
{
	uint64_t now = w->now.boot_ns;
	struct sign s;

	if (sign_read(w->c->p, SIGN_PASSES, now, &s))
		tell_passes(w, &s, true);
	else if (sign_read(w->c->p, SIGN_GOES_ON, now, &s) &&
		 s.count >= GOES_ON_MIN)
		tell_passes(w, &s, false);
	elsewhere_each(w->c->p, now, passed_elsewhere, w);
}

struct search {
	const struct watch *w;
	const struct pins *p;
	uint64_t boot_ns;
	struct net *host;
	struct exempt *worst;
	int flags;
};

/*
 * A gateway logs in nowhere: clients must be behind it. Anybody else may have
 * users that mistype, if more of its logins succeed.
 */
static void weigh(const struct net *host, const struct exempt *e, void *ctx)
{
	struct search *s = ctx;
	struct net entry;
	__u32 flags;

	if (s->boot_ns > e->last + SIGN_PAUSE_SEC * SIGN_NSEC ||
	    e->recent < EXEMPT_MIN || e->recent <= e->others ||
	    (s->flags && e->recent <= s->worst->recent))
		return;
	flags = allowlist_find(s->p, host, &entry);
	if (!(flags & ALLOW_GATEWAY) && e->recent <= e->successes)
		return;
	s->flags = flags ? (int)flags : -1;
	*s->host = *host;
	*s->worst = *e;
}

int alarms_exempt(const struct pins *p, uint64_t boot_ns, struct net *host,
		  struct exempt *e)
{
	struct search s = {
		.p = p, .boot_ns = boot_ns, .host = host, .worst = e
	};

	exempt_each(p, weigh, &s);
	return s.flags;
}

static void check_exempt(const struct watch *w)
{
	char text[2 * PROBLEM_SIZE], who[ADDR_TEXT];
	struct exempt e;
	struct net host;
	int flags = alarms_exempt(w->c->p, w->now.boot_ns, &host, &e);

	if (!flags)
		return;
	snprintf(text, sizeof(text),
		 "most failed logins are of this address (%s), which is never "
		 "banned: %u within minutes, %u of all others: who hides "
		 "behind it is not counted",
		 flags < 0 ? "group allow" : allow_origin(flags), e.recent,
		 e.others);
	problem(w->c, HEALTH_EXEMPT, host_format(&host, who), text,
		flags > 0 && flags & ALLOW_ADMIN ?
			"take it from the allowlist, or look after what "
			"guesses there" :
			"let it pass on the clients' addresses: no masquerading "
			"of what comes in; a proxy is to name them by the PROXY "
			"protocol or XCLIENT: name it in proxies");
}

/* Does a process of this port's server write by a library that is not known? */
static bool is_blind(const struct pins *p, uint16_t port)
{
	__u32 pid, *prev = NULL;
	struct mail_proc proc;

	while (!bpf_map_get_next_key(p->map[MAP_MAIL_PROCS], prev, &pid)) {
		prev = &pid;
		if (!bpf_map_lookup_elem(p->map[MAP_MAIL_PROCS], &pid, &proc) &&
		    proc.port == port && tls_is_blind(&proc))
			return true; /* that is told already */
	}
	return false;
}

static void check_unseen(const struct watch *w)
{
	struct checkup *c = w->c;
	bool own = config_tls(c->config) == CONFIG_TLS_OWN;
	char object[32], text[PROBLEM_SIZE], who[ADDR_TEXT];
	struct sign s;

	if (!sign_read(c->p, SIGN_UNSEEN, w->now.boot_ns, &s) ||
	    s.count < UNSEEN_MIN || s.last - s.first < UNSEEN_NSEC ||
	    is_blind(c->p, s.port))
		return;
	snprintf(object, sizeof(object), "port %u", s.port);
	snprintf(text, sizeof(text),
		 "conversations inside TLS leave it, the last to %s, and no "
		 "probe sees who writes them: failed logins there are not "
		 "counted",
		 addr_format(&s.who, who));
	problem(c, HEALTH_TLS, object, text,
		own ? "if the server is in a container, set tls to auto "
		      "and " RESTART_DAEMON
		      "; if it is on another machine, run smtpxdp there and "
		      "set tls to off here; else name its TLS library with "
		      "tls-libraries" :
		      "name the server's TLS library with tls-libraries; if "
		      "the server is on another machine, run smtpxdp there "
		      "and set tls to off here");
}

static void check_unattributed(const struct watch *w)
{
	char text[PROBLEM_SIZE];
	struct sign s;

	if (!sign_read(w->c->p, SIGN_UNATTRIBUTED, w->now.boot_ns, &s) ||
	    s.count < UNATTRIBUTED_MIN)
		return;
	snprintf(text, sizeof(text),
		 "%llu times within minutes, logins inside TLS failed, and "
		 "which client tried is not known: nobody is charged "
		 "(counter tls-unattributed)",
		 (unsigned long long)s.count);
	problem(w->c, HEALTH_TLS, "clients", text,
		"watch the interface where the clients come in (interfaces), "
		"and name in ports what a proxy on this host listens on");
}

/* Alarms of the TLS sensor, where it runs. */
static void check_tls(const struct watch *w)
{
	if (!w->c->config || config_tls(w->c->config) == CONFIG_TLS_OFF ||
	    !w->c->info->tls_running)
		return;
	check_unseen(w);
	check_unattributed(w);
}

/* A file of a group cannot be read: what it had before stays in force. */
static void check_groups(const struct watch *w)
{
	struct groups *g = groups_in_force(w->c->p);
	char text[PROBLEM_SIZE], name[ESCAPED_SIZE(GROUP_NAME_SIZE)];
	char since[CLOCK_TEXT];

	for (__u32 i = 0; g && i < g->n; i++) {
		const struct group_source *s = &g->source[i];

		if (!s->failed)
			continue;
		snprintf(text, sizeof(text),
			 "it cannot be read for its group: %u networks as they "
			 "were %s stay in force",
			 s->nets,
			 s->since_usec ?
				 clock_format_wall(s->since_usec, since) :
				 "never");
		problem(w->c, HEALTH_GROUPS,
			printable(s->name, strlen(s->name), name, sizeof(name)),
			text,
			"the journal says why (SMTPXDP_EVENT=groups-kept): "
			"correct the file");
	}
	free(g);
}

/* The self-test tells when the table is full. */
static void check_room(const struct watch *w)
{
	const struct ban_head *h = w->c->p->bans.head;
	uint32_t used = __atomic_load_n(&h->used, __ATOMIC_RELAXED);
	char text[PROBLEM_SIZE];

	if (used >= h->max || used < h->max * (uint64_t)ROOM_PERCENT / 100)
		return;
	snprintf(text, sizeof(text),
		 "the ban list is nearly full: %u of %u; whoever fails when it "
		 "is full is NOT banned",
		 used, h->max);
	problem(w->c, HEALTH_ROOM, "bans", text,
		"raise max-bans and " RESTART_DAEMON ", or shorten ban-time");
}

/* Ends of connections to servers in containers that found no room. */
static void check_unjudged(const struct watch *w)
{
	char object[32], text[PROBLEM_SIZE], who[ADDR_TEXT];
	struct sign s;

	if (!sign_read(w->c->p, SIGN_UNJUDGED, w->now.boot_ns, &s))
		return;
	snprintf(object, sizeof(object), "port %u", s.port);
	snprintf(text, sizeof(text),
		 "clients of a server in another network namespace (a "
		 "container) hung up before the answer to a login, more at "
		 "once than can be judged: %llu such ends within minutes, the "
		 "last of %s, do not count",
		 (unsigned long long)s.count, addr_format(&s.who, who));
	problem(w->c, HEALTH_ROOM, object, text,
		w->c->state == DAEMON_SERVES ?
			"set net-rate, so that whole networks of guessers are "
			"banned" :
			"the daemon judges them: see that it runs");
}

static bool brake_held(uint64_t held, const struct clock_pair *now)
{
	return held && now->jiffies - held < BRAKE_SECONDS * clock_hz();
}

/* Reports a brake that held a ban back within the last minute. */
static void check_brake(const struct watch *w)
{
	char text[PROBLEM_SIZE], remedy[PROBLEM_SIZE], net[NET_TEXT];
	struct checkup *c = w->c;
	uint32_t max = settings_now(c->p)->brake.failures, used = 0;
	struct brake b;
	struct net most;

	if (!max || brake_read(c->p, &b))
		return;
	if (brake_held(b.held, &w->now)) {
		used = brake_most(c->p, &b, w->now.jiffies, &most);
		snprintf(text, sizeof(text),
			 "max-bans-per-minute is reached: who reaches a limit "
			 "is not banned; %u of the last %u bans were in %s",
			 used, max, net_format(&most, net));
		problem(c, HEALTH_BRAKE, "brake", text,
			"raise max-bans-per-minute");
	}
	if (!brake_held(b.share_held, &w->now))
		return;
	most = brake_block(b.share_net);
	snprintf(text, sizeof(text),
		 "this network has used its share of max-bans-per-minute (%u): "
		 "more of its clients are not banned",
		 brake_share(max));
	snprintf(remedy, sizeof(remedy),
		 "ban it (smtpxdp ban add %s), or set net-rate",
		 net_format(&most, net));
	problem(c, HEALTH_BRAKE, net, text, remedy);
}

void alarms_check(struct checkup *c)
{
	struct watch w = { .c = c };

	if (clock_read(c->p->prog[PROG_CLOCK], &w.now))
		return;
	check_banned(&w);
	check_exempt(&w);
	check_tls(&w);
	alarms_ways(c, w.now.boot_ns);
	alarms_fronts(c, &w.now);
	check_groups(&w);
	check_room(&w);
	check_unjudged(&w);
	check_brake(&w);
}

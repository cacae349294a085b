// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health_proxies.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "claimant.h"
#include "groups.h"
#include "lists/proxies.h"
#include "maps/groups_map.h"
#include "maps/named_map.h"
#include "maps/settings_map.h"
#include "sys/netinfo.h"

#define PROXIES_TOLD 8
#define RECENT_SECONDS 600

/* A proxy by which logins came that are charged to nobody. */
struct nameless {
	struct addr proxy;
	struct addr server;
	uint16_t port;
	uint64_t logins;
	bool silent; /* it sends no header; else one that names nobody */
};

struct search {
	struct clock_pair now;
	struct nameless of[PROXIES_TOLD];
	size_t n;
};

static bool is_recent(const struct search *s, const struct named *n)
{
	return n->logins &&
	       (n->state == NAMED_AWAITED || n->state == NAMED_NOBODY) &&
	       s->now.jiffies - n->last < RECENT_SECONDS * clock_hz();
}

static int note(const struct stream_key *key, const struct named *n, void *ctx)
{
	struct search *s = ctx;
	struct nameless *w = s->of;

	if (!is_recent(s, n))
		return 0;
	while (w < s->of + s->n &&
	       memcmp(&w->proxy, &key->client, sizeof(w->proxy)))
		w++;
	if (w == s->of + PROXIES_TOLD)
		return 0;
	if (w == s->of + s->n)
		*w = (struct nameless){ .proxy = key->client };
	s->n += w == s->of + s->n;
	w->server = key->server;
	w->port = ntohs(key->server_port);
	w->logins += n->logins;
	w->silent |= n->next_seq == n->first_seq;
	return 0;
}

static void tell(struct checkup *c, const struct nameless *w)
{
	char proxy[ADDR_TEXT], server[ADDR_TEXT], text[PROBLEM_SIZE];

	snprintf(
		text, sizeof(text),
		"%llu login%s by this proxy to port %u of %s within %d minutes "
		"are charged to nobody: %s",
		(unsigned long long)w->logins, w->logins == 1 ? "" : "s",
		w->port, addr_format(&w->server, server), RECENT_SECONDS / 60,
		w->silent ? "it sends no header that can be read" :
			    "its headers name nobody");
	problem(c, HEALTH_PROXIES, addr_format(&w->proxy, proxy), text,
		"let the proxy send the PROXY protocol's header (HAProxy: "
		"send-proxy) and the server take it, or take the proxy out of "
		"proxies");
}

/* A proxy on this host: its connections are seen on loopback alone. */
static void check_loopback(struct checkup *c)
{
	if (!c->config || c->state == DAEMON_DEAD ||
	    c->info->netns != netns_inode() || proxies_are_here(c->config) <= 0)
		return;
	for (__u32 i = 0; i < c->info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		if (c->info->ifaces[i].ifindex == LOOPBACK_IFINDEX)
			return;
	problem(c, HEALTH_PROXIES, "lo",
		"the key proxies names an address of this host, and loopback is "
		"not watched: nobody who comes by that proxy is counted",
		RESTART_DAEMON);
}

static bool is_proxy(const struct pins *p, const struct addr *a)
{
	struct net host = net_of(a, ADDR_BITS);
	struct group_entry e;

	return groups_find(p, &host, &e) && e.group == GROUP_PROXY;
}

/* Tells of a peer that a server takes for a proxy, and the key does not name. */
static void tell_claim(struct checkup *c, const struct addr *peer,
		       const struct claimant *w)
{
	char addr[ADDR_TEXT], server[ADDR_TEXT], text[PROBLEM_SIZE];
	char remedy[PROBLEM_SIZE];

	snprintf(text, sizeof(text),
		 "it sends %s, and port %u of %s takes it, but it is not in "
		 "proxies: %s",
		 w->code ? "XCLIENT" : "the PROXY protocol's header", w->port,
		 addr_format(&w->server, server),
		 settings_now(c->p)->proxies ?
			 "all its clients are counted as one" :
			 "failures by it are charged to nobody");
	addr_format(peer, addr);
	snprintf(
		remedy, sizeof(remedy),
		"if it is a proxy of yours, add it (smtpxdp config set proxies "
		"%s); else let the server take %s from proxies only%s",
		addr, w->code ? "XCLIENT" : "headers",
		w->code ? " (Postfix: smtpd_authorized_xclient_hosts)" : "");
	problem(c, HEALTH_PROXIES, addr, text, remedy);
}

static void check_claims(struct checkup *c, const struct clock_pair *now)
{
	int fd = c->p->map[MAP_CLAIMANTS], told = 0;
	struct addr key, *prev = NULL;
	struct claimant w;

	for (; told < PROXIES_TOLD && !bpf_map_get_next_key(fd, prev, &key);
	     prev = &key) {
		if (bpf_map_lookup_elem(fd, &key, &w) ||
		    now->boot_ns - w.last > CLAIM_SECONDS * 1000000000ULL ||
		    is_proxy(c->p, &key))
			continue;
		tell_claim(c, &key, &w);
		told++;
	}
}

void health_proxies(struct checkup *c)
{
	struct search s = {};

	check_loopback(c);
	if (clock_read(c->p->prog[PROG_CLOCK], &s.now))
		return;
	check_claims(c, &s.now);
	if (!settings_now(c->p)->proxies)
		return;
	named_each(c->p, note, &s);
	for (size_t i = 0; i < s.n; i++)
		tell(c, &s.of[i]);
}

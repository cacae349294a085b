// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/alarms_ways.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "maps/settings_map.h"
#include "maps/sign_map.h"
#include "sys/links.h"
#include "sys/netinfo.h"
#include "sys/netlink.h"
#include "sys/tcp_diag.h"

#define FOREIGN_MIN 5
#define WAYS_MAX 64 /* interfaces that are reported once each */
#define NAME_IT                                                                \
	"name the interface where clients come in with the key interfaces; "   \
	"or, if nobody there is to be banned, put its network into allow"

struct ways {
	struct checkup *c;
	uint64_t boot_ns;
	const struct net *address; /* whose listeners are looked for */
	uint16_t port; /* a mail port that is listened on there, or 0 */
	struct links links;
	unsigned int told[WAYS_MAX];
	size_t n_told;
};

/* Do packets that come in here come by a watched interface, too? */
static bool is_watched(const struct ways *w, unsigned int ifindex)
{
	const struct daemon_info *info = w->c->info;

	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		unsigned int watched = info->ifaces[i].ifindex;

		if (watched && (links_hand_on(&w->links, ifindex, watched) ||
				links_hand_on(&w->links, watched, ifindex)))
			return true;
	}
	return false;
}

static void report(struct ways *w, unsigned int ifindex, const char *text)
{
	char name[IF_NAMESIZE];

	for (size_t i = 0; i < w->n_told; i++)
		if (w->told[i] == ifindex)
			return;
	if (w->n_told == WAYS_MAX || !if_indextoname(ifindex, name))
		return;
	w->told[w->n_told++] = ifindex;
	problem(w->c, HEALTH_WAYS, name, text, NAME_IT);
}

/* Who comes in by a device that strangers are not connected to: a container. */
static bool is_inner(const struct ways *w, const struct link *link)
{
	return !links_lead_outside(&w->links, link);
}

static void arrived(uint32_t ifindex, const struct sign *s, void *ctx)
{
	struct net client = net_of(&s->who, ADDR_BITS), entry;
	char text[PROBLEM_SIZE], who[ADDR_TEXT];
	struct ways *w = ctx;
	const struct link *link = links_find(&w->links, ifindex);

	if (w->boot_ns > s->last + SIGN_PAUSE_SEC * SIGN_NSEC || !link ||
	    (host_is_private(&client) && is_inner(w, link)) ||
	    is_watched(w, ifindex) || allowlist_find(w->c->p, &client, &entry))
		return;
	snprintf(text, sizeof(text),
		 "a client of port %u has come in here (%s), and nothing is "
		 "attached: nobody is counted or dropped here",
		 s->port, addr_format(&s->who, who));
	report(w, ifindex, text);
}

static void listens(const struct connection *l, void *ctx)
{
	static const struct net any = { .len = ADDR_BITS };
	struct ways *w = ctx;

	if (port_is_mail(settings_now(w->c->p), l->port) &&
	    (net_equal(&l->peer, &any) || net_equal(&l->peer, w->address)))
		w->port = l->port;
}

/*
 * Strangers reach a public address by the interface that has it, where no
 * default route leads elsewhere. Not so the address of a bridge of containers,
 * or of a tunnel: who reaches that has come in elsewhere before.
 */
static bool is_outer(const struct ways *w, unsigned int ifindex)
{
	const struct link *link = links_find(&w->links, ifindex);

	return link && link->up &&
	       (!is_inner(w, link) || !strcmp(link->kind, "veth"));
}

static void check_address(struct ways *w, struct mnl_socket *nl,
			  const struct netinfo_address *a)
{
	char text[PROBLEM_SIZE], own[ADDR_TEXT];
	struct net entry;

	if (host_is_private(&a->host) || !is_outer(w, a->ifindex) ||
	    is_watched(w, a->ifindex))
		return;
	/* The host's own address is on the allowlist: its network counts. */
	if (allowlist_find(w->c->p, &a->link, &entry) & ALLOW_ADMIN &&
	    net_contains(&entry, &a->link))
		return;
	w->address = &a->host;
	w->port = 0;
	if (tcp_diag_listeners(nl, listens, w) || !w->port)
		return;
	snprintf(text, sizeof(text),
		 "port %u is listened on at its address %s, and nothing is "
		 "attached: nobody is counted or dropped here",
		 w->port, host_format(&a->host, own));
	report(w, a->ifindex, text);
}

static void check_listeners(struct ways *w)
{
	struct mnl_socket *nl = netlink_open(NETLINK_SOCK_DIAG);
	struct netinfo_address *list = NULL;
	int n = nl ? netinfo_addresses(&list) : 0;

	for (int i = 0; i < n; i++)
		check_address(w, nl, &list[i]);
	free(list);
	if (nl)
		mnl_socket_close(nl);
}

/* Connections of servers in other network namespaces, by unwatched ways. */
static void came_elsewhere(const struct elsewhere *e, void *ctx)
{
	char text[PROBLEM_SIZE], object[32], who[ADDR_TEXT];
	const struct sign *s = &e->unwatched;
	struct ways *w = ctx;

	if (!sign_is_recent(s, w->boot_ns) || s->count < FOREIGN_MIN)
		return;
	snprintf(object, sizeof(object), "port %u", s->port);
	snprintf(text, sizeof(text),
		 "a server in another network namespace (a container) has "
		 "clients there, the last %s, that come in by no watched "
		 "interface: nobody is counted or dropped",
		 addr_format(&s->who, who));
	problem(w->c, HEALTH_WAYS, object, text,
		"name the interface where they come in with the key "
		"interfaces: of a bridge, the port that leads outside");
}

void alarms_ways(struct checkup *c, uint64_t boot_ns)
{
	struct ways w = { .c = c, .boot_ns = boot_ns };

	if (c->info->netns == netns_inode() && !links_read(&w.links)) {
		arrivals_each(c->p, arrived, &w);
		check_listeners(&w);
	}
	links_free(&w.links);
	elsewhere_each(c->p, boot_ns, came_elsewhere, &w);
}

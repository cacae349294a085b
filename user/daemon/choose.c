// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/choose.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "sys/links.h"
#include "sys/netinfo.h"
#include "sys/netlink.h"
#include "sys/servers.h"
#include "sys/tcp_diag.h"

struct choice {
	const struct choose_from *from;
	unsigned int *list;
	size_t n, max;
	struct links links;
	struct netinfo_address *own; /* addresses of this host */
	int n_own;
};

static void add(struct choice *c, unsigned int ifindex)
{
	unsigned int lowest[32];
	size_t n = links_lowest(&c->links, ifindex, lowest,
				sizeof(lowest) / sizeof(*lowest));

	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t k = 0; k < c->n; k++)
			known |= c->list[k] == lowest[i];
		if (!known && c->n < c->max)
			c->list[c->n++] = lowest[i];
	}
}

static int add_defaults(struct choice *c)
{
	struct netinfo *info = malloc(sizeof(*info));
	int err = info ? netinfo_read(info) : -ENOMEM;

	for (size_t i = 0; !err && i < info->n_default; i++)
		add(c, info->default_ifindex[i]);
	free(info);
	return err;
}

/*
 * Do clients that want this address of the host come in by its device, as far
 * as its kind tells? What a veth leads to is not known: only a public address is
 * for strangers.
 */
static bool is_entry(const struct choice *c, const struct netinfo_address *a)
{
	const struct link *link = links_find(&c->links, a->ifindex);

	if (!link || link->loopback || host_is_of_link(&a->host))
		return false;
	return links_lead_outside(&c->links, link) ||
	       (!strcmp(link->kind, "veth") && !host_is_private(&a->host));
}

static void listens(const struct connection *l, void *ctx)
{
	static const struct net any = { .len = ADDR_BITS };
	struct choice *c = ctx;

	if (!(c->from->ports[l->port / 64] >> l->port % 64 & 1))
		return;
	for (int i = 0; i < c->n_own; i++)
		if ((net_equal(&l->peer, &any) ||
		     net_equal(&l->peer, &c->own[i].host)) &&
		    is_entry(c, &c->own[i]))
			add(c, c->own[i].ifindex);
}

static int add_listeners(struct choice *c)
{
	struct mnl_socket *nl = netlink_open(NETLINK_SOCK_DIAG);
	int err = nl ? tcp_diag_listeners(nl, listens, c) : -errno;

	if (nl)
		mnl_socket_close(nl);
	return err;
}

/* Adds the ports outside of the bridge that a device is a port of. */
static bool add_bridge_of(struct choice *c, const struct link *inner)
{
	const struct link *bridge = links_find(&c->links, inner->master);

	if (!bridge || !links_lead_outside(&c->links, bridge))
		return false;
	add(c, bridge->ifindex);
	return true;
}

static void add_public(struct choice *c)
{
	for (int i = 0; i < c->n_own; i++)
		if (is_entry(c, &c->own[i]) &&
		    !host_is_private(&c->own[i].host))
			add(c, c->own[i].ifindex);
}

static void add_for_container(struct choice *c, struct server *s)
{
	size_t before = c->n;

	for (size_t i = 0; i < c->links.n && s->id >= 0 && !s->here; i++) {
		const struct link *link = &c->links.list[i];

		if (link->peer_netns == s->id && !add_bridge_of(c, link))
			add_public(c);
	}
	/* Last, for it costs most, and mostly all are chosen anyway. */
	if (c->n > before && !server_read_ports(s, c->from->ports))
		c->n = before;
}

/* Adds the devices that lead to servers in other network namespaces. */
static int add_containers(struct choice *c)
{
	struct server *servers;
	int n = servers_list(&servers);

	for (int i = 0; i < n; i++)
		add_for_container(c, &servers[i]);
	free(servers);
	return n < 0 ? n : 0;
}

static void add_seen(struct choice *c)
{
	for (size_t i = 0; i < c->from->n_seen; i++) {
		const struct link *link =
			links_find(&c->links, c->from->seen[i]);

		if (link && links_lead_outside(&c->links, link))
			add(c, link->ifindex);
	}
}

int choose_devices(const struct choose_from *from, unsigned int *list, size_t n,
		   size_t max)
{
	struct choice c = { .from = from, .list = list, .n = n, .max = max };
	int err = links_read(&c.links);

	if (!err) {
		c.n_own = netinfo_addresses(&c.own);
		err = c.n_own < 0 ? c.n_own : add_defaults(&c);
	}
	if (!err)
		err = add_listeners(&c);
	if (!err)
		add_seen(&c);
	if (!err && from->containers)
		err = add_containers(&c);
	free(c.own);
	links_free(&c.links);
	return err ? err : (int)c.n;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/ways.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/escape.h"
#include "maps/settings_map.h"
#include "sys/links.h"
#include "sys/netinfo.h"
#include "sys/servers.h"

#define WAY_DEVICES_MAX 9 /* as deep as links.c looks, and a container's */

struct ways {
	const struct daemon_info *info;
	struct links links;
	struct netinfo_address *own;
	int n_own;
	json_t *list;
};

/* The devices of a way, the lowest first. */
struct way {
	const struct link *device[WAY_DEVICES_MAX];
	size_t n;
};

static json_t *printed(const char *s, size_t size)
{
	char text[ESCAPED_SIZE(IF_NAMESIZE)];

	return json_string(printable(s, strnlen(s, size), text, sizeof(text)));
}

static void add(struct ways *w, const struct way *way, const struct server *s,
		bool routed)
{
	json_t *devices = json_array(), *ports = json_array();

	for (size_t i = 0; i < way->n; i++)
		json_array_append_new(devices, printed(way->device[i]->name,
						       IF_NAMESIZE));
	for (size_t i = 0; i < s->n_ports; i++)
		json_array_append_new(ports, json_integer(s->port[i]));
	json_array_append_new(
		w->list,
		json_pack("{s:o, s:b, s:o, s:o, s:o}", "devices", devices,
			  "routed", routed, "pid",
			  s->here ? json_null() : json_integer(s->pid), "name",
			  s->here ? json_null() :
				    printed(s->name, sizeof(s->name)),
			  "ports", ports));
}

static bool has_address(const struct ways *w, unsigned int ifindex)
{
	for (int i = 0; i < w->n_own; i++)
		if (w->own[i].ifindex == ifindex &&
		    !host_is_of_link(&w->own[i].host))
			return true;
	return false;
}

/*
 * Goes up from the last device of `way` to each that ends a way: the bridge of
 * a container's device, or for the host itself a device with an address.
 */
static void climb(struct ways *w, struct way *way, const struct server *s,
		  const struct link *inner)
{
	const struct link *last = way->device[way->n - 1];

	if (inner && last->ifindex == inner->master) {
		way->device[way->n++] = inner;
		add(w, way, s, false);
		way->n--;
	} else if (!inner && has_address(w, last->ifindex)) {
		add(w, way, s, false);
	}
	for (size_t i = 0; i < w->links.n; i++) {
		const struct link *up = &w->links.list[i];

		if (last->master != up->ifindex && up->lower != last->ifindex)
			continue;
		if (way->n + 1 == WAY_DEVICES_MAX)
			return;
		way->device[way->n++] = up;
		climb(w, way, s, inner);
		way->n--;
	}
}

/* Adds the ways from all watched interfaces. True: there is one. */
static bool add_from_watched(struct ways *w, const struct server *s,
			     const struct link *inner)
{
	size_t before = json_array_size(w->list);

	for (__u32 i = 0; i < w->info->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		const struct daemon_iface *iface = &w->info->ifaces[i];
		struct way way = { { links_find(&w->links, iface->ifindex) },
				   1 };

		if (way.device[0] && !(iface->flags & IFACE_FED))
			climb(w, &way, s, inner);
	}
	return json_array_size(w->list) > before;
}

/* Adds the ways to a container by the devices here that lead to it. */
static void add_container(struct ways *w, const struct server *s)
{
	for (size_t i = 0; i < w->links.n && s->id >= 0; i++) {
		const struct link *inner = &w->links.list[i];
		const struct link *bridge =
			links_find(&w->links, inner->master);
		struct way routed = {};

		if (inner->peer_netns != s->id ||
		    (bridge && add_from_watched(w, s, inner)))
			continue;
		if (bridge)
			routed.device[routed.n++] = bridge;
		routed.device[routed.n++] = inner;
		add(w, &routed, s, true);
	}
}

json_t *ways_json(const struct pins *p, const struct daemon_info *info)
{
	struct ways w = { .info = info, .list = json_array() };
	struct server *servers = NULL;
	int n = 0;

	if (info->netns == netns_inode() && !links_read(&w.links)) {
		w.n_own = netinfo_addresses(&w.own);
		n = servers_list(&servers);
	}
	for (int i = 0; i < n; i++) {
		if (!server_read_ports(&servers[i], settings_now(p)->ports))
			continue;
		if (servers[i].here)
			add_from_watched(&w, &servers[i], NULL);
		else
			add_container(&w, &servers[i]);
	}
	free(servers);
	free(w.own);
	links_free(&w.links);
	return w.list;
}

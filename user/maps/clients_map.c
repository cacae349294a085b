// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/clients_map.h"

#include <bpf/bpf.h>

#include "base/address.h"
#include "maps/settings_map.h"
#include "pure/who.h"

struct net host_inside(const struct pins *p, const struct net *host)
{
	struct addr a = net_addr(host);

	if (host->len != ADDR_BITS || !who_inside(settings_now(p), &a))
		return *host;
	return net_of(&a, ADDR_BITS);
}

struct net client_of(const struct pins *p, const struct net *host)
{
	struct net inside = host_inside(p, host);
	struct addr a = net_addr(&inside);

	return net_around(&inside, who_client_len(settings_now(p), &a));
}

bool is_client(const struct pins *p, const struct net *net)
{
	struct addr a = net_addr(net);

	return (int)net->len == who_client_len(settings_now(p), &a);
}

struct net net_block(const struct net *host)
{
	return net_around(host, net_is_v4(host) ? NET_LEN_V4 : NET_LEN_V6);
}

struct net net_rated(const struct pins *p, const struct net *host)
{
	return net_around(host,
			  net_is_v4(host) ?
				  NET_LEN_V4 - settings_now(p)->net_wider :
				  NET_LEN_V6);
}

bool clients_find(const struct pins *p, const struct net *client,
		  struct client *c)
{
	return !bpf_map_lookup_elem(p->map[MAP_CLIENTS], client->addr, c);
}

bool clients_find_repeats(const struct pins *p, const struct net *client,
			  struct client *c)
{
	return !bpf_map_lookup_elem(p->map[MAP_REPEATS], client->addr, c);
}

bool clients_find_block(const struct pins *p, const struct net *block,
			struct client *c)
{
	return !bpf_map_lookup_elem(p->map[MAP_NETS], block->addr, c);
}

bool clients_find_as(const struct pins *p, uint32_t asn, struct client *c)
{
	struct addr key;

	as_key(asn, &key);
	return !bpf_map_lookup_elem(p->map[MAP_NETS], &key, c);
}

void clients_each(const struct pins *p, client_fn fn, void *ctx)
{
	struct addr key, *prev = NULL;
	struct client c;

	while (!bpf_map_get_next_key(p->map[MAP_CLIENTS], prev, &key)) {
		if (!bpf_map_lookup_elem(p->map[MAP_CLIENTS], &key, &c)) {
			struct net net = net_of(&key, c.len);

			fn(&net, &c, ctx);
		}
		prev = &key;
	}
}

/* Which clients to forget: those within a network, or those banned once. */
typedef bool (*forget_fn)(int fd, const struct addr *key,
			  const struct net *within);

static bool is_within(int fd, const struct addr *key, const struct net *within)
{
	struct net host = net_of(key, ADDR_BITS);

	return net_contains(within, &host);
}

/* Of map nets: is all of the entry's network within the other? */
static bool is_net_within(int fd, const struct addr *key,
			  const struct net *within)
{
	struct client c;
	struct net net;

	if (bpf_map_lookup_elem(fd, key, &c))
		return false;
	net = net_of(key, c.len);
	return net_contains(within, &net);
}

static bool was_banned(int fd, const struct addr *key, const struct net *within)
{
	struct client c;

	return !bpf_map_lookup_elem(fd, key, &c) && c.until;
}

/* Deletes one step behind the walk: that needs the key that it goes on from. */
static void forget(int fd, forget_fn goes, const struct net *within)
{
	struct addr key, next, *prev = NULL;
	bool gone = false;

	while (!bpf_map_get_next_key(fd, prev, &next)) {
		if (gone)
			bpf_map_delete_elem(fd, &key);
		key = next;
		prev = &key;
		gone = goes(fd, &key, within);
	}
	if (gone)
		bpf_map_delete_elem(fd, &key);
}

/* The maps that hold windows of clients. */
static const enum pinned_map windows[] = { MAP_CLIENTS, MAP_REPEATS };

void clients_forget(struct pins *p, const struct net *net)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		int fd = p->map[windows[i]];

		if (is_client(p, net))
			bpf_map_delete_elem(fd, net->addr);
		else
			forget(fd, is_within, net);
	}
	forget(p->map[MAP_NETS], is_net_within, net);
}

void clients_forget_banned(struct pins *p)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++)
		forget(p->map[windows[i]], was_banned, NULL);
	forget(p->map[MAP_NETS], was_banned, NULL);
}

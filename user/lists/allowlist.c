// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/allowlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/net_set.h"
#include "lists/banlist.h"
#include "maps/clients_map.h"
#include "maps/settings_map.h"
#include "sys/netinfo.h"

int allowlist_add(struct pins *p, const struct net *net, __u32 flags)
{
	int err = allow_map_put(p, net, allow_map_get(p, net) | flags);

	if (!err)
		err = settings_note_allow(p);
	return err ? err : banlist_ask(p, net, 1);
}

int allowlist_del(struct pins *p, const struct net *net, __u32 flags)
{
	__u32 old = allow_map_get(p, net);
	int err;

	if (!(old & flags))
		return -ENOENT;
	err = allow_map_put(p, net, old & ~flags);
	return err ? err : settings_note_allow(p);
}

/* The entries as their maker, the key `allow` or this host, wants them. */
struct wanted {
	struct pins *p;
	__u32 way; /* the flags of that maker: others are kept */
	struct net *nets;
	__u32 *flags;
	size_t n;
};

static int wanted_init(struct wanted *w, struct pins *p, __u32 way, size_t room)
{
	*w = (struct wanted){ .p = p, .way = way };
	w->nets = calloc(room, sizeof(*w->nets));
	w->flags = calloc(room, sizeof(*w->flags));
	return w->nets && w->flags ? 0 : -ENOMEM;
}

static void want(struct wanted *w, const struct net *net, __u32 flag)
{
	w->nets[w->n] = *net;
	w->flags[w->n++] = flag;
}

static void want_all(struct wanted *w, const struct net *nets, size_t n,
		     __u32 flag)
{
	for (size_t i = 0; i < n; i++)
		want(w, &nets[i], flag);
}

static int correct(const struct net *net, __u32 flags, void *ctx)
{
	struct wanted *w = ctx;
	__u32 right = 0;

	for (size_t i = 0; i < w->n; i++)
		if (net_equal(&w->nets[i], net))
			right |= w->flags[i];
	if ((flags & w->way) == right)
		return 0;
	return allow_map_put(w->p, net, (flags & ~w->way) | right);
}

/* Corrects the entries that are there, and adds those that are missing. */
static int sync_wanted(struct wanted *w)
{
	int err = allow_map_each(w->p, correct, w);

	for (size_t i = 0; !err && i < w->n; i++) {
		__u32 old = allow_map_get(w->p, &w->nets[i]);

		if (!(old & w->flags[i]))
			err = allow_map_put(w->p, &w->nets[i],
					    old | w->flags[i]);
	}
	if (!err)
		err = settings_note_allow(w->p);
	return err ? err : banlist_ask(w->p, w->nets, w->n);
}

static void wanted_free(struct wanted *w)
{
	free(w->nets);
	free(w->flags);
}

/* Makes the entries with this flag the networks given; lifts the bans within. */
static int sync_nets(struct pins *p, const struct net *nets, size_t n,
		     __u32 flag)
{
	struct wanted w;
	int err = wanted_init(&w, p, flag, n + 1);

	if (!err) {
		want_all(&w, nets, n, flag);
		err = sync_wanted(&w);
	}
	if (!err && n)
		err = allowlist_lift(p, nets, n);
	wanted_free(&w);
	return err < 0 ? err : 0;
}

int allowlist_sync_config(struct pins *p, const struct config *c)
{
	struct net *nets;
	size_t n = config_allow(c, &nets);
	int err = sync_nets(p, nets, n, ALLOW_CONFIG);

	free(nets);
	return err;
}

int allowlist_sync_proxies(struct pins *p, const struct net *nets, size_t n)
{
	return sync_nets(p, nets, n, ALLOW_PROXY);
}

int allowlist_sync_names(struct pins *p, const struct net *nets, size_t n)
{
	struct wanted w;
	int err = wanted_init(&w, p, ALLOW_NAME, n + 1);

	if (!err) {
		want_all(&w, nets, n, ALLOW_NAME);
		err = sync_wanted(&w);
	}
	wanted_free(&w);
	return err;
}

static int sync_host(struct pins *p, const struct netinfo *info)
{
	static const char *const loopback[] = { "127.0.0.0/8", "::1" };
	struct wanted w;
	struct net net;
	int err = wanted_init(&w, p, ALLOW_SELF | ALLOW_GATEWAY,
			      info->n_own + info->n_gateways + 2);

	for (size_t i = 0; !err && i < 2; i++)
		if (!net_parse(loopback[i], &net, NULL, 0))
			want(&w, &net, ALLOW_SELF);
	if (!err) {
		want_all(&w, info->own, info->n_own, ALLOW_SELF);
		want_all(&w, info->gateways, info->n_gateways, ALLOW_GATEWAY);
		err = sync_wanted(&w);
	}
	wanted_free(&w);
	return err;
}

int allowlist_sync_host(struct pins *p)
{
	struct netinfo *info = malloc(sizeof(*info));
	int err = info ? netinfo_read(info) : -ENOMEM;

	if (!err)
		err = sync_host(p, info);
	free(info);
	return err;
}

struct lift {
	struct pins *p;
	struct net_set set;
	int n;
};

static int lift_one(const struct ban_row *row, void *ctx)
{
	struct lift *l = ctx;

	if (net_set_contains(&l->set, &row->net) &&
	    !banlist_del(l->p, &row->net))
		l->n++;
	return 0;
}

int allowlist_lift(struct pins *p, const struct net *nets, size_t n)
{
	struct net *copy = calloc(n, sizeof(*copy));
	struct lift l = { .p = p };
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, nets, n * sizeof(*copy));
	net_set_init(&l.set, copy, n);
	err = banlist_each(p, lift_one, &l);
	net_set_free(&l.set);
	return err ? err : l.n;
}

struct search {
	const struct net *net;
	struct net *entry;
	__u32 flags;
	bool client; /* net is one client's */
};

static int objects(const struct net *net, __u32 flags, void *ctx)
{
	struct search *s = ctx;
	bool around = net_contains(net, s->net);

	if ((flags & ALLOW_ADMIN && around) ||
	    (flags & ALLOW_PROXY && s->client && net_contains(s->net, net)) ||
	    (!(s->flags & ALLOW_ADMIN) && !(flags & ALLOW_ADMIN) &&
	     (around || net_contains(s->net, net)))) {
		s->flags = flags;
		*s->entry = *net;
	}
	return 0;
}

__u32 allowlist_objects(const struct pins *p, const struct net *net,
			struct net *entry)
{
	struct search s = { net, entry, 0, is_client(p, net) };

	allow_map_each(p, objects, &s);
	return s.flags;
}

static int contains(const struct net *net, __u32 flags, void *ctx)
{
	struct search *s = ctx;

	if (net_contains(net, s->net) &&
	    (!s->flags || net->len > s->entry->len)) {
		s->flags = flags;
		*s->entry = *net;
	}
	return 0;
}

__u32 allowlist_find(const struct pins *p, const struct net *net,
		     struct net *entry)
{
	struct net host = net_around(net, ADDR_BITS);
	struct search s = { &host, entry, 0, false };

	allow_map_each(p, contains, &s);
	return s.flags;
}

const char *allow_origin(__u32 flags)
{
	if (flags & ALLOW_COMMAND)
		return "command";
	if (flags & ALLOW_CONFIG)
		return "config";
	if (flags & ALLOW_PROXY)
		return "proxies";
	if (flags & ALLOW_NAME)
		return "name";
	return flags & ALLOW_SELF ? "this host" : "gateway";
}

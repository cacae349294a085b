// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/allowlist.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "sys/netinfo.h"
#include "maps/settings_map.h"

struct list {
	struct net *nets;
	size_t n, room;
};

/* Entries may go while we walk: a key that went restarts the walk. */
int allowlist_each(const struct pins *p, allow_row_fn fn, void *ctx)
{
	struct net key, next, *prev = NULL;
	int fd = p->map[MAP_ALLOW_NETS], err = 0, more;
	struct allow allow;

	more = !bpf_map_get_next_key(fd, NULL, &key);
	while (more && !err) {
		prev = &key;
		more = !bpf_map_get_next_key(fd, prev, &next);
		if (!bpf_map_lookup_elem(fd, &key, &allow))
			err = fn(&key, allow.flags, ctx);
		key = next;
	}
	return err;
}

static int add_net(const struct net *net, __u32 flags, void *ctx)
{
	struct list *l = ctx;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct net *more =
			reallocarray(l->nets, room, sizeof(*l->nets));

		if (!more)
			return -ENOMEM;
		l->nets = more;
		l->room = room;
	}
	l->nets[l->n++] = *net;
	return 0;
}

int allowlist_nets(const struct pins *p, struct net **nets, size_t *n)
{
	struct list l = {};
	int err = allowlist_each(p, add_net, &l);

	*nets = l.nets;
	*n = l.n;
	return err;
}

__u32 allowlist_get(const struct pins *p, const struct net *net)
{
	struct net key, *prev = NULL;
	struct allow allow;

	while (!bpf_map_get_next_key(p->map[MAP_ALLOW_NETS], prev, &key)) {
		if (key.len == net->len && net_contains(&key, net))
			return bpf_map_lookup_elem(p->map[MAP_ALLOW_NETS], net,
						   &allow) ?
				       0 :
				       allow.flags;
		prev = &key;
	}
	return 0;
}

static int set_flags(struct pins *p, const struct net *net, __u32 flags)
{
	struct allow allow = { .flags = flags };
	int fd = p->map[MAP_ALLOW_NETS], err;

	changes_note(&p->changes, CHANGE_ALLOW, net);
	err = flags ? bpf_map_update_elem(fd, net, &allow, BPF_ANY) :
		      bpf_map_delete_elem(fd, net);
	return err ? -errno : 0;
}

int allowlist_add(struct pins *p, const struct net *net, __u32 flags)
{
	int err = set_flags(p, net, allowlist_get(p, net) | flags);

	if (!err)
		err = settings_note_allow(p);
	return err ? err : banlist_ask(p, net, 1);
}

int allowlist_del(struct pins *p, const struct net *net, __u32 flags)
{
	__u32 old = allowlist_get(p, net);
	int err;

	if (!(old & flags))
		return -ENOENT;
	err = set_flags(p, net, old & ~flags);
	return err ? err : settings_note_allow(p);
}

/* What the entries made in one way should be. */
struct wanted {
	struct pins *p;
	__u32 way; /* the flags that are ours to change */
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

static int correct(const struct net *net, __u32 flags, void *ctx)
{
	struct wanted *w = ctx;
	__u32 right = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->nets[i].len == net->len &&
		    net_contains(&w->nets[i], net))
			right |= w->flags[i];
	if ((flags & w->way) == right)
		return 0;
	return set_flags(w->p, net, (flags & ~w->way) | right);
}

/* Those that are there are made right, those that are not are added. */
static int sync_wanted(struct wanted *w)
{
	int err = allowlist_each(w->p, correct, w);

	for (size_t i = 0; !err && i < w->n; i++) {
		__u32 old = allowlist_get(w->p, &w->nets[i]);

		if (!(old & w->flags[i]))
			err = set_flags(w->p, &w->nets[i], old | w->flags[i]);
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

int allowlist_sync_config(struct pins *p, const struct config *c)
{
	struct net *nets;
	size_t n = config_allow(c, &nets);
	struct wanted w;
	int err = wanted_init(&w, p, ALLOW_CONFIG, n + 1);

	for (size_t i = 0; !err && i < n; i++)
		want(&w, &nets[i], ALLOW_CONFIG);
	if (!err)
		err = sync_wanted(&w);
	for (size_t i = 0; !err && i < n; i++) {
		int lifted = allowlist_lift(p, &nets[i]);

		err = lifted < 0 ? lifted : 0;
	}
	wanted_free(&w);
	free(nets);
	return err;
}

static void want_addrs(struct wanted *w, const struct addr *addrs, size_t n,
		       __u32 flag)
{
	for (size_t i = 0; i < n; i++) {
		struct net net = net_of(&addrs[i], ADDR_BITS);

		want(w, &net, flag);
	}
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
		want_addrs(&w, info->own, info->n_own, ALLOW_SELF);
		want_addrs(&w, info->gateways, info->n_gateways, ALLOW_GATEWAY);
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
	const struct net *net;
	int n;
};

static int lift_one(const struct ban_row *row, void *ctx)
{
	struct lift *l = ctx;

	if (net_contains(l->net, &row->net) && !banlist_del(l->p, &row->net))
		l->n++;
	return 0;
}

int allowlist_lift(struct pins *p, const struct net *net)
{
	struct lift l = { p, net, 0 };
	int err = banlist_each(p, lift_one, &l);

	return err ? err : l.n;
}

struct search {
	const struct net *net;
	struct net *entry;
	__u32 flags;
};

static int objects(const struct net *net, __u32 flags, void *ctx)
{
	struct search *s = ctx;
	bool around = net_contains(net, s->net);

	if ((flags & ALLOW_ADMIN && around) ||
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
	struct search s = { net, entry, 0 };

	allowlist_each(p, objects, &s);
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

__u32 allowlist_find(const struct pins *p, const struct addr *a,
		     struct net *entry)
{
	struct net net = net_of(a, ADDR_BITS);
	struct search s = { &net, entry, 0 };

	allowlist_each(p, contains, &s);
	return s.flags;
}

__u32 allowlist_flags(const struct pins *p, const struct addr *a)
{
	struct net key = net_of(a, ADDR_BITS);
	struct allow allow;

	return bpf_map_lookup_elem(p->map[MAP_ALLOW_NETS], &key, &allow) ?
		       0 :
		       allow.flags;
}

const char *allow_origin(__u32 flags)
{
	if (flags & ALLOW_COMMAND)
		return "command";
	if (flags & ALLOW_CONFIG)
		return "config";
	return flags & ALLOW_SELF ? "this host" : "gateway";
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/history_map.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/address.h"
#include "maps/map_walk.h"
#include "maps/settings_map.h"

#define NSEC 1000000000LL

int64_t history_forgotten_at(const struct settings *s, const struct history *h)
{
	return h->until + s->ban_forget_sec * NSEC;
}

struct history history_recall(const struct pins *p, const struct net *net,
			      uint64_t boot_ns)
{
	struct history h;

	if (bpf_map_lookup_elem(p->map[MAP_HISTORY], net->addr, &h) ||
	    h.len != net->len ||
	    history_forgotten_at(settings_now(p), &h) <= (int64_t)boot_ns)
		return (struct history){ .len = net->len };
	return h;
}

int history_put(struct pins *p, const struct net *net, const struct history *h)
{
	struct history entry = *h;

	entry.len = net->len;
	changes_note(&p->changes, CHANGE_HISTORY, net);
	return bpf_map_update_elem(p->map[MAP_HISTORY], net->addr, &entry,
				   BPF_ANY) ?
		       -errno :
		       0;
}

struct walking {
	history_fn fn;
	void *ctx;
};

static int walk_one(const void *key, const void *value, void *ctx)
{
	const struct history *h = value;
	const struct walking *w = ctx;
	struct net net = net_of(key, h->len);

	return w->fn(&net, h, w->ctx);
}

int history_each(const struct pins *p, history_fn fn, void *ctx)
{
	return map_walk(p->map[MAP_HISTORY], sizeof(struct addr),
			sizeof(struct history), walk_one,
			&(struct walking){ fn, ctx });
}

struct forget {
	struct pins *p;
	const struct net *within;
	int n;
};

static int forget_one(const struct net *net, const struct history *h, void *ctx)
{
	struct forget *f = ctx;

	if (!net_contains(f->within, net) ||
	    bpf_map_delete_elem(f->p->map[MAP_HISTORY], net->addr))
		return 0;
	changes_note(&f->p->changes, CHANGE_HISTORY, net);
	f->n++;
	return 0;
}

int history_forget(struct pins *p, const struct net *net)
{
	struct forget f = { .p = p, .within = net };
	int err = history_each(p, forget_one, &f);

	return err ? err : f.n;
}

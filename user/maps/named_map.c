// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/named_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "maps/map_walk.h"

struct walking {
	named_fn fn;
	void *ctx;
};

static int walk_one(const void *key, const void *value, void *ctx)
{
	const struct walking *w = ctx;

	return w->fn(key, value, w->ctx);
}

int named_each(const struct pins *p, named_fn fn, void *ctx)
{
	return map_walk(p->map[MAP_NAMED], sizeof(struct stream_key),
			sizeof(struct named), walk_one,
			&(struct walking){ fn, ctx });
}

struct finding {
	const struct net *client;
	struct named_by *by;
	size_t n, room;
};

static int find_proxy(const struct stream_key *key, const struct named *n,
		      void *ctx)
{
	struct finding *f = ctx;
	struct net host = net_of(&n->client, ADDR_BITS);
	size_t i = 0;

	if (n->state != NAMED_CLIENT || n->ended ||
	    !net_contains(f->client, &host))
		return 0;
	while (i < f->n &&
	       memcmp(&f->by[i].proxy, &key->client, sizeof(f->by[i].proxy)))
		i++;
	if (i == f->room)
		return 0;
	if (i == f->n)
		f->by[f->n++] = (struct named_by){ .proxy = key->client };
	f->by[i].connections++;
	return 0;
}

size_t named_proxies(const struct pins *p, const struct net *client,
		     struct named_by *by, size_t room)
{
	struct finding f = { client, by, 0, room };

	named_each(p, find_proxy, &f);
	return f.n;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/logins_map.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/address.h"
#include "maps/clients_map.h"
#include "maps/map_walk.h"

bool logins_find(const struct pins *p, const struct net *client,
		 struct login *l)
{
	return !bpf_map_lookup_elem(p->map[MAP_REGULARS], client->addr, l);
}

int logins_put(struct pins *p, const struct net *client, const struct login *l)
{
	return bpf_map_update_elem(p->map[MAP_REGULARS], client->addr, l,
				   BPF_ANY) ?
		       -errno :
		       0;
}

struct walking {
	const struct pins *p;
	login_fn fn;
	void *ctx;
};

static int walk_one(const void *key, const void *value, void *ctx)
{
	const struct walking *w = ctx;
	struct net host = net_of(key, ADDR_BITS);
	struct net client = client_of(w->p, &host);

	return w->fn(&client, value, w->ctx);
}

int logins_each(const struct pins *p, login_fn fn, void *ctx)
{
	return map_walk(p->map[MAP_REGULARS], sizeof(struct addr),
			sizeof(struct login), walk_one,
			&(struct walking){ p, fn, ctx });
}

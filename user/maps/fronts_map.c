// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/fronts_map.h"

#include <bpf/bpf.h>

bool fronts_find(const struct pins *p, const struct net *client,
		 struct front *f)
{
	return !bpf_map_lookup_elem(p->map[MAP_FRONTS], client->addr, f);
}

void fronts_each(const struct pins *p, front_fn fn, void *ctx)
{
	struct addr key, *prev = NULL;
	struct front f;

	while (!bpf_map_get_next_key(p->map[MAP_FRONTS], prev, &key)) {
		if (!bpf_map_lookup_elem(p->map[MAP_FRONTS], &key, &f)) {
			struct net host = net_of(&key, ADDR_BITS);

			fn(&host, &f, ctx);
		}
		prev = &key;
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/named_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"

#define BATCH 1024

int named_each(const struct pins *p, named_fn fn, void *ctx)
{
	struct stream_key *keys = calloc(BATCH, sizeof(*keys));
	struct named *values = calloc(BATCH, sizeof(*values));
	int err = keys && values ? 0 : -ENOMEM, done = 0;
	__u32 in = 0, out = 0, n;

	for (void *batch = NULL; !err && !done; batch = &in) {
		n = BATCH;
		if (bpf_map_lookup_batch(p->map[MAP_NAMED], batch, &out, keys,
					 values, &n, NULL)) {
			done = errno == ENOENT; /* these n are the last */
			if (!done)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++)
			err = fn(&keys[i], &values[i], ctx);
		in = out;
	}
	free(keys);
	free(values);
	return err;
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/logins_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/address.h"
#include "maps/clients_map.h"

#define BATCH 1024

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

int logins_each(const struct pins *p, login_fn fn, void *ctx)
{
	struct addr *keys = calloc(BATCH, sizeof(*keys));
	struct login *values = calloc(BATCH, sizeof(*values));
	int err = keys && values ? 0 : -ENOMEM, done = 0;
	__u32 in = 0, out = 0, n;

	for (void *batch = NULL; !err && !done; batch = &in) {
		n = BATCH;
		if (bpf_map_lookup_batch(p->map[MAP_REGULARS], batch, &out,
					 keys, values, &n, NULL)) {
			done = errno == ENOENT; /* these n are the last */
			if (!done)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++) {
			struct net host = net_of(&keys[i], ADDR_BITS);
			struct net client = client_of(p, &host);

			err = fn(&client, &values[i], ctx);
		}
		in = out;
	}
	free(keys);
	free(values);
	return err;
}

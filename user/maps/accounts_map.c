// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/accounts_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "maps/map_walk.h"

static int read_keys(int map, struct name_key *key)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero, key) ? -errno : 0;
}

/* Wipes the keys then. */
static int write_keys(int map, struct name_key *key)
{
	__u32 zero = 0;
	int err = bpf_map_update_elem(map, &zero, key, BPF_ANY) ? -errno : 0;

	explicit_bzero(key, sizeof(*key));
	return err;
}

static int fill(__u64 k[static 2])
{
	if (k[0] || k[1])
		return 0;
	return getrandom(k, 2 * sizeof(*k), 0) == 2 * sizeof(*k) ? 0 : -errno;
}

int name_key_make(int map)
{
	struct name_key key;
	int err = read_keys(map, &key);

	if (!err)
		err = fill(key.k);
	if (!err)
		err = fill(key.secret);
	return err ? err : write_keys(map, &key);
}

int name_key_read(const struct pins *p, __u64 k[static 2])
{
	struct name_key key;
	int err = read_keys(p->map[MAP_NAME_KEY], &key);

	if (err)
		return err;
	memcpy(k, key.k, sizeof(key.k));
	explicit_bzero(&key, sizeof(key));
	return 0;
}

int name_key_write(struct pins *p, const __u64 k[static 2])
{
	struct name_key key;
	int err = read_keys(p->map[MAP_NAME_KEY], &key);

	if (err)
		return err;
	memcpy(key.k, k, sizeof(key.k));
	return write_keys(p->map[MAP_NAME_KEY], &key);
}

bool account_nets_find(const struct pins *p, const struct account_net *key)
{
	struct account_login l;

	return !bpf_map_lookup_elem(p->map[MAP_ACCOUNT_NETS], key, &l);
}

int account_nets_put(struct pins *p, const struct account_net *key,
		     const struct account_login *l)
{
	return bpf_map_update_elem(p->map[MAP_ACCOUNT_NETS], key, l, BPF_ANY) ?
		       -errno :
		       0;
}

struct walking {
	account_net_fn fn;
	void *ctx;
};

static int walk_one(const void *key, const void *value, void *ctx)
{
	const struct walking *w = ctx;

	return w->fn(key, value, w->ctx);
}

int account_nets_each(const struct pins *p, account_net_fn fn, void *ctx)
{
	return map_walk(p->map[MAP_ACCOUNT_NETS], sizeof(struct account_net),
			sizeof(struct account_login), walk_one,
			&(struct walking){ fn, ctx });
}

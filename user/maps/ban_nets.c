// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/ban_nets.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "maps/settings_map.h"

/* Lists the keys before it calls fn, because fn may remove entries. */
int ban_nets_each(const struct pins *p, ban_row_fn fn, void *ctx)
{
	struct net *keys = NULL, key, *prev = NULL;
	size_t n = 0, room = 0;
	int err = 0;

	while (!err &&
	       !bpf_map_get_next_key(p->map[MAP_BAN_NETS], prev, &key)) {
		err = array_grow(&keys, &room, n + 1, sizeof(*keys));
		if (!err)
			keys[n++] = key;
		prev = &key;
	}
	for (size_t i = 0; i < n && !err; i++) {
		struct ban_row row = { .net = keys[i] };

		/* A lookup finds the longest match: that is the key itself. */
		if (!bpf_map_lookup_elem(p->map[MAP_BAN_NETS], &keys[i],
					 &row.ban))
			err = fn(&row, ctx);
	}
	free(keys);
	return err;
}

/* Sets bits atomically, because the programs read them meanwhile. */
static void set_bits(__u64 *bits, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++)
		__atomic_fetch_or(&bits[i >> 6], 1ULL << (i & 63),
				  __ATOMIC_RELAXED);
}

/* Sets every bit that an address in the network may have. */
static void filter_add(struct net_filter *f, const struct net *net)
{
	struct addr a = net_addr(net);
	uint32_t v4_bits = net->len < 112 ? 112 - net->len : 0;

	if (net_is_v4(net)) {
		set_bits(f->bits[0], net_filter_bit(&a, 0), 1U << v4_bits);
		return;
	}
	/* A network this wide may contain all of IPv4, v4-mapped. */
	if (net->len < ADDR_V4_BITS && !a.q[0])
		set_bits(f->bits[0], 0, NET_FILTER_BITS);
	if (net->len < 32)
		set_bits(f->bits[1], 0, NET_FILTER_BITS);
	else
		set_bits(f->bits[1], net_filter_bit(&a, 1), 1);
}

int ban_nets_put(struct pins *p, const struct net *net, const struct ban *b)
{
	struct ban ban = *b;

	ban.len = net->len;
	filter_add(&p->slots->net_filter, net);
	if (bpf_map_update_elem(p->map[MAP_BAN_NETS], net, &ban, BPF_ANY))
		return errno == ENOSPC ? -E2BIG : -errno;
	return settings_note_nets(p);
}

int ban_nets_del(struct pins *p, const struct net *net)
{
	if (bpf_map_delete_elem(p->map[MAP_BAN_NETS], net))
		return -errno;
	p->slots->net_filter.stale = 1;
	return settings_note_nets(p);
}

/* A lookup finds the longest match, and the ban tells its length. */
int ban_nets_get(const struct pins *p, const struct net *net, struct ban *b)
{
	if (bpf_map_lookup_elem(p->map[MAP_BAN_NETS], net, b) ||
	    b->len != net->len)
		return -ENOENT;
	return 0;
}

/* Decides as the gate does: see bpf/ban_table.h. */
int ban_nets_find(const struct pins *p, const struct net *host,
		  const struct clock_pair *now, struct ban_row *row)
{
	struct net key = *host;

	key.len = ADDR_BITS;
	while (!bpf_map_lookup_elem(p->map[MAP_BAN_NETS], &key, &row->ban)) {
		row->net = net_around(host, row->ban.len);
		if (row->ban.expires > now->jiffies)
			return 0;
		if (!row->ban.len)
			break;
		key.len = row->ban.len - 1;
	}
	return -ENOENT;
}

static int keep_bits(const struct ban_row *row, void *ctx)
{
	filter_add(ctx, &row->net);
	return 0;
}

int ban_nets_tidy(struct pins *p)
{
	struct net_filter *f = &p->slots->net_filter, *fresh;
	int err;

	if (!f->stale)
		return 0;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	f->stale = 0;
	err = ban_nets_each(p, keep_bits, fresh);
	/* No network is added meanwhile: the caller holds the writers' lock. */
	if (!err)
		memcpy(f->bits, fresh->bits, sizeof(f->bits));
	free(fresh);
	return err;
}

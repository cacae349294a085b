// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/ban_claims.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"

static struct ban_claim_key key_of(const struct net *net, __u32 owner)
{
	struct ban_claim_key key = {
		.bits = BAN_CLAIM_BITS,
		.len = net->len,
		.owner = owner,
	};

	memcpy(key.addr, net->addr, sizeof(key.addr));
	return key;
}

static struct net net_at(const struct ban_claim_key *key)
{
	struct net net = { .len = key->len };

	memcpy(net.addr, key->addr, sizeof(net.addr));
	return net;
}

int ban_claim_put(struct pins *p, const struct net *net, const struct ban *b)
{
	struct ban_claim_key key = key_of(net, ban_owner(b));

	if (!bpf_map_update_elem(p->map[MAP_BAN_CLAIMS], &key, b, BPF_ANY)) {
		changes_note(&p->changes, CHANGE_BAN, net);
		return 0;
	}
	return errno == E2BIG || errno == ENOSPC ? -E2BIG : -errno;
}

int ban_claim_del(struct pins *p, const struct net *net, __u32 owner)
{
	struct ban_claim_key key = key_of(net, owner);

	if (bpf_map_delete_elem(p->map[MAP_BAN_CLAIMS], &key))
		return -errno;
	changes_note(&p->changes, CHANGE_BAN, net);
	return 0;
}

/* Calls fn for each key, which it may delete: all are listed before. */
static int each_key(const struct pins *p,
		    int (*fn)(const struct ban_claim_key *key, void *ctx),
		    void *ctx)
{
	struct ban_claim_key *keys = NULL, key, *prev = NULL;
	size_t n = 0, room = 0;
	int err = 0;

	while (!err &&
	       !bpf_map_get_next_key(p->map[MAP_BAN_CLAIMS], prev, &key)) {
		err = array_grow(&keys, &room, n + 1, sizeof(*keys));
		if (!err)
			keys[n++] = key;
		prev = &key;
	}
	for (size_t i = 0; i < n && !err; i++)
		err = fn(&keys[i], ctx);
	free(keys);
	return err;
}

struct reading {
	const struct pins *p;
	uint64_t jiffies;
	bool drop; /* those that have run out */
	struct ban_claims *to;
	size_t room;
};

static int read_one(const struct ban_claim_key *key, void *ctx)
{
	struct reading *r = ctx;
	struct ban_row row = { .net = net_at(key) };
	int fd = r->p->map[MAP_BAN_CLAIMS], err;

	if (bpf_map_lookup_elem(fd, key, &row.ban))
		return 0;
	if (row.ban.expires <= r->jiffies) {
		if (r->drop)
			bpf_map_delete_elem(fd, key);
		return 0;
	}
	err = array_grow(&r->to->rows, &r->room, r->to->n + 1, sizeof(row));
	if (!err)
		r->to->rows[r->to->n++] = row;
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct ban_row *x = a, *y = b;
	int diff = memcmp(&x->net, &y->net, sizeof(x->net));

	return diff ? diff :
		      (x->ban.expires < y->ban.expires) -
			       (x->ban.expires > y->ban.expires);
}

static int read_all(struct reading *r)
{
	struct ban_claims *c = r->to;
	int err;

	*c = (struct ban_claims){};
	err = each_key(r->p, read_one, r);
	if (c->n)
		qsort(c->rows, c->n, sizeof(*c->rows), compare);
	return err;
}

int ban_claims_read(struct pins *p, uint64_t jiffies, struct ban_claims *c)
{
	return read_all(&(struct reading){
		.p = p, .jiffies = jiffies, .drop = true, .to = c });
}

int ban_claims_look(const struct pins *p, uint64_t jiffies,
		    struct ban_claims *c)
{
	return read_all(
		&(struct reading){ .p = p, .jiffies = jiffies, .to = c });
}

/* The first from the i-th on that is of the network, and was not left out. */
static const struct ban_row *find_from(const struct ban_claims *c, size_t i,
				       const struct net *net)
{
	for (; i < c->n && net_equal(&c->rows[i].net, net); i++)
		if (c->rows[i].ban.expires)
			return &c->rows[i];
	return NULL;
}

const struct ban_row *ban_claims_find(const struct ban_claims *c,
				      const struct net *net)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(&c->rows[mid].net, net, sizeof(*net)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return find_from(c, low, net);
}

const struct ban_row *ban_claims_next(const struct ban_claims *c,
				      const struct ban_row *row)
{
	return find_from(c, row - c->rows + 1, &row->net);
}

void ban_claims_forget(struct ban_claims *c, const struct net *net, __u32 owner)
{
	const struct ban_row *row = ban_claims_find(c, net);

	while (row && ban_owner(&row->ban) != owner)
		row = ban_claims_next(c, row);
	if (row)
		c->rows[row - c->rows].ban.expires = 0;
}

struct dropping {
	struct pins *p;
	const struct net *net;
};

static int drop_one(const struct ban_claim_key *key, void *ctx)
{
	struct dropping *d = ctx;
	struct net net = net_at(key);

	if (!d->net || net_equal(d->net, &net))
		bpf_map_delete_elem(d->p->map[MAP_BAN_CLAIMS], key);
	return 0;
}

void ban_claims_drop(struct pins *p, const struct net *net)
{
	struct dropping d = { p, net };

	each_key(p, drop_one, &d);
}

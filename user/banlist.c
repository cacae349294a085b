// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "banlist.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "settings_map.h"

#define BATCH 1024

struct net client_net(const struct pins *p, const struct addr *a)
{
	const struct settings *s = settings_now(p);

	return net_of(a, s->client_len[!addr_is_v4(a)]);
}

/* Is it a client of its own, and so in the exact map? */
static bool is_client(const struct pins *p, const struct net *net)
{
	return net->len == settings_now(p)->client_len[!net_is_v4(net)];
}

static int each_client(const struct pins *p, ban_row_fn fn, void *ctx)
{
	struct addr *keys = calloc(BATCH, sizeof(*keys));
	struct ban *values = calloc(BATCH, sizeof(*values));
	__u32 in = 0, out = 0, n;
	int err = 0, done = 0;

	if (!keys || !values)
		err = -ENOMEM;
	for (void *batch = NULL; !err && !done; batch = &in) {
		n = BATCH;
		if (bpf_map_lookup_batch(p->map[MAP_BANS], batch, &out, keys,
					 values, &n, NULL)) {
			done = errno == ENOENT; /* and n are the last ones */
			if (!done)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++) {
			struct ban_row row = {
				.net = net_of(&keys[i], values[i].len),
				.ban = values[i],
			};

			err = fn(&row, ctx);
		}
		in = out;
	}
	free(keys);
	free(values);
	return err;
}

/* The whole list of keys first: fn may remove entries. */
static int each_net(const struct pins *p, ban_row_fn fn, void *ctx)
{
	struct net *keys = NULL, key, *prev = NULL;
	size_t n = 0, room = 0;
	int err = 0;

	while (!bpf_map_get_next_key(p->map[MAP_BAN_NETS], prev, &key)) {
		if (n == room) {
			struct net *more;

			room = room ? 2 * room : 64;
			more = reallocarray(keys, room, sizeof(*keys));
			if (!more) {
				free(keys);
				return -ENOMEM;
			}
			keys = more;
		}
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

int banlist_each(const struct pins *p, ban_row_fn fn, void *ctx)
{
	int err = each_net(p, fn, ctx);

	return err ? err : each_client(p, fn, ctx);
}

static int run_program(int fd, void *ctx, __u32 size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx,
		    .ctx_size_in = size);

	if (bpf_prog_test_run_opts(fd, &opts))
		return -errno;
	return (int)opts.retval;
}

int banlist_put(struct pins *p, const struct net *net, const struct ban *b)
{
	struct ban_request rq = { .client = net_addr(net), .ban = *b };

	rq.ban.len = net->len;
	changes_note(&p->changes, CHANGE_BAN, net);
	if (is_client(p, net))
		return run_program(p->prog[PROG_BAN_WRITE], &rq, sizeof(rq));
	if (bpf_map_update_elem(p->map[MAP_BAN_NETS], net, &rq.ban, BPF_ANY))
		return errno == ENOSPC ? -E2BIG : -errno;
	return settings_note_lists(p);
}

int banlist_carry(struct pins *p, const struct addr *client,
		  const struct ban *b)
{
	struct ban_request rq = { .client = *client, .ban = *b };
	struct ban now;

	if (!bpf_map_update_elem(p->map[MAP_BANS], client, b, BPF_NOEXIST))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (!bpf_map_lookup_elem(p->map[MAP_BANS], client, &now) &&
	    now.expires >= b->expires)
		return 1;
	return run_program(p->prog[PROG_BAN_WRITE], &rq, sizeof(rq));
}

static int delete_net(struct pins *p, const struct net *net)
{
	if (bpf_map_delete_elem(p->map[MAP_BAN_NETS], net))
		return -errno;
	return settings_note_lists(p);
}

/* It may be in either map, or in both, if client prefixes were changed. */
int banlist_remove(struct pins *p, const struct net *net)
{
	struct addr a = net_addr(net);
	bool exact =
		is_client(p, net) && !bpf_map_delete_elem(p->map[MAP_BANS], &a);
	int err = delete_net(p, net);

	changes_note(&p->changes, CHANGE_BAN, net);
	return exact && err == -ENOENT ? 0 : err;
}

int banlist_del(struct pins *p, const struct net *net)
{
	int err = banlist_remove(p, net);
	int forgot = clients_forget(p, net);

	return err ? err : forgot;
}

int banlist_expire(struct pins *p, const struct net *net)
{
	struct addr a = net_addr(net);
	int err = -ENOENT;

	changes_note(&p->changes, CHANGE_BAN, net);
	if (is_client(p, net))
		err = run_program(p->prog[PROG_BAN_EXPIRE], &a, sizeof(a));
	return err == -ENOENT ? delete_net(p, net) : err;
}

int banlist_get(const struct pins *p, const struct net *net, struct ban *b)
{
	struct addr a = net_addr(net);

	if (is_client(p, net) &&
	    !bpf_map_lookup_elem(p->map[MAP_BANS], &a, b))
		return 0;
	/* A lookup finds the longest match. */
	if (!bpf_map_lookup_elem(p->map[MAP_BAN_NETS], net, b) &&
	    b->len == net->len)
		return 0;
	return -ENOENT;
}

/*
 * The longest of the networks that hold: as the program decides, see
 * bpf/ban_table.h.
 */
static int find_net(const struct pins *p, const struct addr *a,
		    const struct clock_pair *now, struct ban_row *row)
{
	struct net key = net_of(a, ADDR_BITS);

	while (!bpf_map_lookup_elem(p->map[MAP_BAN_NETS], &key, &row->ban)) {
		row->net = net_of(a, row->ban.len);
		if (row->ban.expires > now->jiffies)
			return 0;
		if (!row->ban.len)
			break;
		key.len = row->ban.len - 1;
	}
	return -ENOENT;
}

int banlist_find(const struct pins *p, const struct addr *a,
		 const struct clock_pair *now, struct ban_row *row)
{
	struct addr key;

	row->net = client_net(p, a);
	key = net_addr(&row->net);
	if (!bpf_map_lookup_elem(p->map[MAP_BANS], &key, &row->ban) &&
	    row->ban.expires > now->jiffies)
		return 0;
	return find_net(p, a, now, row);
}

static void forget_if_in(struct pins *p, const struct net *net,
			 const struct addr *client)
{
	struct net n = net_of(client, ADDR_BITS);

	if (net_contains(net, &n))
		bpf_map_delete_elem(p->map[MAP_CLIENTS], client);
}

int clients_forget(struct pins *p, const struct net *net)
{
	struct addr key = net_addr(net), next, *prev = NULL;

	if (is_client(p, net)) {
		bpf_map_delete_elem(p->map[MAP_CLIENTS], &key);
		return 0;
	}
	/* One behind: the walk needs the key that it goes on from. */
	while (!bpf_map_get_next_key(p->map[MAP_CLIENTS], prev, &next)) {
		if (prev)
			forget_if_in(p, net, &key);
		key = next;
		prev = &key;
	}
	if (prev)
		forget_if_in(p, net, &key);
	return 0;
}

int clients_forget_banned(struct pins *p)
{
	struct addr key = {}, next, *prev = NULL;
	struct client c;
	int fd = p->map[MAP_CLIENTS];
	bool banned = false;

	while (!bpf_map_get_next_key(fd, prev, &next)) {
		if (banned)
			bpf_map_delete_elem(fd, &key);
		key = next;
		prev = &key;
		banned = !bpf_map_lookup_elem(fd, &key, &c) && c.until;
	}
	if (banned)
		bpf_map_delete_elem(fd, &key);
	return 0;
}

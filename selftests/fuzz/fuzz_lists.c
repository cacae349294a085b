// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files of networks and of bans: the same text by both readers, and what groups
 * make of the networks against looking at each of them.
 *
 * Fuzzes: user/base/net_list.c user/lists/ban_file.c user/lists/group_list.c
 * Fuzzes: user/base/address.c
 * Seeds: selftests/unit/test_net_list.c selftests/unit/test_ban_file.c
 * Seeds: selftests/unit/test_group_list.c selftests/unit/test_duration.c
 */
#include <errno.h>

#include "ban.h"
#include "base/address.h"
#include "base/net_list.h"
#include "fuzz/fuzz.h"
#include "lists/ban_file.h"
#include "lists/group_list.h"

#define GROUP_NETS 64 /* the naive lookup is quadratic */
#define SECONDS_MAX (100ULL * 366 * 86400)

struct wanted {
	struct group_list groups;
	size_t n;
	uint8_t kinds; /* shifted by one for each network */
};

static void check_net(const struct net *net)
{
	char text[NET_TEXT], err[256];
	struct net again;

	must(net->len <= ADDR_BITS);
	for (unsigned int i = net->len; i < ADDR_BITS; i++)
		must(!(net->addr[i / 8] & 0x80 >> i % 8));
	must(strlen(net_format(net, text)) < sizeof(text));
	must(!net_parse(text, &again, err, sizeof(err)));
	must(net_equal(net, &again));
}

static int take_net(const struct net *net, void *ctx)
{
	struct wanted *w = ctx;
	struct group_net g = { .net = *net };

	check_net(net);
	w->kinds = w->kinds * 5 + 7;
	g.kind = w->kinds / 4 % SOURCES_MAX;
	g.group = GROUP_STRICT + w->kinds / 16 % 3;
	if (w->n++ < GROUP_NETS)
		must(!group_list_add(&w->groups, &g));
	return 0;
}

static FILE *open_text(const struct input *in)
{
	FILE *f = in->left ? fmemopen((void *)in->at, in->left, "r") :
			     fopen("/dev/null", "r");

	must(f);
	return f;
}

static void read_nets(const struct input *in, struct wanted *w)
{
	FILE *f = open_text(in);
	char err[256] = "";
	size_t line = 0;
	int ret = net_list_read(f, take_net, w, &line, err, sizeof(err));

	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*err);
	must(!ret || line);
	fclose(f);
}

/* What counts for an address, as group_list.h says it. */
static enum group look_naively(const struct group_net *nets, size_t n,
			       const struct net *host)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct group_net *g = &nets[i];

		if (!net_contains(&g->net, host))
			continue;
		if (!best || g->kind > best->kind ||
		    (g->kind == best->kind && g->net.len > best->net.len) ||
		    (g->kind == best->kind && g->net.len == best->net.len &&
		     g->group > best->group))
			best = g;
	}
	return best ? best->group : GROUP_NONE;
}

/* What the programs do: the longest network that contains it. */
static enum group look(const struct group_list *l, const struct net *host)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (net_contains(&l->nets[i].net, host) &&
		    (!best || l->nets[i].net.len > best->net.len))
			best = &l->nets[i];
	return best ? best->group : GROUP_NONE;
}

static void check_groups(struct group_list *l)
{
	struct group_net all[GROUP_NETS];
	size_t n = l->n;

	if (n)
		memcpy(all, l->nets, n * sizeof(*all));
	group_list_finish(l);
	must(l->n <= n);
	for (size_t i = 0; i < n; i++) {
		struct net host = all[i].net;

		/* its first address, and its last */
		for (int last = 0; last < 2; last++) {
			for (unsigned int b = host.len; last && b < 128; b++)
				host.addr[b / 8] |= 0x80 >> b % 8;
			host.len = ADDR_BITS;
			must(look(l, &host) == look_naively(all, n, &host));
			host.len = all[i].net.len;
		}
	}
}

static void read_bans(const struct input *in)
{
	FILE *f = open_text(in);
	struct ban_file bans;
	char err[256] = "";
	size_t line = 0;
	int ret = ban_file_read(&bans, f, &line, err, sizeof(err));

	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*err);
	for (size_t i = 0; i < bans.n; i++) {
		const struct ban_file_entry *e = &bans.entries[i];

		check_net(&e->net);
		must(!e->whole || e->net.len == ADDR_BITS);
		must(e->seconds <= SECONDS_MAX);
		must(!e->reason || e->reason < bans.text_len);
		if (e->reason)
			must(strlen(bans.text + e->reason) < BAN_REASON_SIZE);
	}
	ban_file_free(&bans);
	fclose(f);
}

static void fuzz(struct input *in)
{
	struct wanted w = {};

	read_nets(in, &w);
	check_groups(&w.groups);
	free(w.groups.nets);
	read_bans(in);
}

static void seeds(void)
{
}

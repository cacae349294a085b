// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "lists/cut_elsewhere.h"
#include "maps/allow_map.h"
#include "maps/clients_map.h"
#include "maps/counter_map.h"
#include "maps/named_map.h"
#include "maps/settings_map.h"
#include "sys/netlink.h"
#include "tell/journal.h"

/* At some 35 us each, the daemon does nothing else for 0.15 s. */
#define CUT_MAX 4096

struct found {
	struct connection connection;
	struct net ban; /* the banned network that its peer is in */
};

struct search {
	const struct pins *p;
	struct mnl_socket *nl;
	struct clock_pair now;
	struct found *found; /* CUT_MAX of them */
	size_t n;
	bool more;
	int cut;
	int err;
};

/* Would the gate drop a packet of this peer? Then its ban is in *ban. */
static bool is_dropped(const struct search *s, const struct net *peer,
		       uint16_t port, struct net *ban)
{
	const struct settings *now = settings_now(s->p);
	struct ban_row row;

	struct net inside = host_inside(s->p, peer);

	if (!port_is_closed(now, port) ||
	    banlist_find(s->p, &inside, &s->now, &row) ||
	    port_is_spared(now, row.ban.flags, port) ||
	    allow_overrules(allow_map_around(s->p, &inside), row.ban.flags))
		return false;
	*ban = row.net;
	return true;
}

static void find(const struct connection *c, void *ctx)
{
	struct search *s = ctx;
	struct net ban;

	if (!is_dropped(s, &c->peer, c->port, &ban))
		return;
	if (s->n < CUT_MAX)
		s->found[s->n++] = (struct found){ *c, ban };
	else
		s->more = true;
}

static bool ends(const struct net *peer, __u16 port, struct net *ban, void *ctx)
{
	return is_dropped(ctx, peer, port, ban);
}

/* The socket of a connection; one with IPv4 has AF_INET, whatever the server's. */
static struct connection connection_of(const struct stream_key *key)
{
	bool v4 = addr_is_v4(&key->client);
	struct connection c = {
		.peer = net_of(&key->client, ADDR_BITS),
		.port = ntohs(key->server_port),
		.family = v4 ? AF_INET : AF_INET6,
		.id = { .idiag_sport = key->server_port,
			.idiag_dport = key->client_port },
	};
	size_t n = v4 ? 4 : sizeof(struct addr);

	memcpy(c.id.idiag_src, key->server.b + sizeof(struct addr) - n, n);
	memcpy(c.id.idiag_dst, key->client.b + sizeof(struct addr) - n, n);
	return c;
}

/* Finds the connections by which proxies bring banned clients. */
static int find_named(const struct stream_key *key, const struct named *n,
		      void *ctx)
{
	struct search *s = ctx;
	struct net client = net_of(&n->client, ADDR_BITS), ban;
	struct connection c = connection_of(key);
	int err;

	if (n->state != NAMED_CLIENT || n->ended ||
	    !is_dropped(s, &client, ntohs(key->server_port), &ban))
		return 0;
	err = tcp_diag_find(s->nl, &c);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (s->n < CUT_MAX)
		s->found[s->n++] = (struct found){ c, ban };
	else
		s->more = true;
	return 0;
}

static int by_ban(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return memcmp(&x->ban, &y->ban, sizeof(x->ban));
}

static void tell_cut(const struct net *ban, int connections)
{
	journal_record(&(struct record){
		.kind = MESSAGE_CUT, .net = ban, .connections = connections });
}

/* Cuts the connections of one ban, from i on; returns the next ban's first. */
static size_t cut_group(struct search *s, size_t i)
{
	const struct found *first = &s->found[i];
	int n = 0;

	for (; i < s->n && !s->err && !by_ban(first, &s->found[i]); i++) {
		int err = tcp_diag_destroy(s->nl, &s->found[i].connection);

		if (!err)
			n++;
		else if (err != -ENOENT)
			s->err = err; /* -ENOENT: it ended by itself */
	}
	if (n)
		tell_cut(&first->ban, n);
	s->cut += n;
	return i;
}

static int by_net(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct net));
}

/* Cuts what servers in other network namespaces have open. */
static void cut_others(struct search *s)
{
	struct net *bans = calloc(CUT_MAX, sizeof(*bans));
	size_t n = CUT_MAX, i, first;

	if (!bans)
		return;
	s->err = cut_elsewhere(s->p, ends, s, bans, &n);
	qsort(bans, n, sizeof(*bans), by_net);
	for (first = 0; first < n; first = i) {
		for (i = first; i < n && !by_net(&bans[first], &bans[i]); i++)
			;
		tell_cut(&bans[first], i - first);
	}
	s->cut += n;
	free(bans);
}

static int cut_found(struct search *s)
{
	qsort(s->found, s->n, sizeof(*s->found), by_ban);
	for (size_t i = 0; i < s->n && !s->err;)
		i = cut_group(s, i);
	if (!s->err)
		cut_others(s);
	return s->cut ? s->cut : s->err;
}

static void count(struct pins *p, int n)
{
	int lock = pins_lock_writer(p->dir);

	if (lock >= 0)
		counter_add(p, COUNTER_CUT, n);
	pins_unlock(lock);
}

/*
 * Adds to the n networks those by whose addresses clients of a NAT64 come, where
 * they are banned by IPv4. Returns how many networks that makes; 0: too many, so
 * all connections are to be looked at.
 */
static size_t add_nat64(const struct pins *p, struct net *nets, size_t n)
{
	const struct settings *s = settings_now(p);
	size_t all = n;

	for (__u32 i = 0; i < s->n_who; i++) {
		if (s->who[i].client_len)
			continue;
		for (size_t k = 0; k < n; k++) {
			struct addr v4 = net_addr(&nets[k]), a;

			if (!net_is_v4(&nets[k]))
				continue;
			if (all == TCP_DIAG_NETS_MAX)
				return 0;
			a = s->who[i].net;
			a.d[3] |= s->who[i].len == 96 ? v4.d[3] : 0;
			nets[all++] =
				net_of(&a, s->who[i].len == 96 ? nets[k].len :
								 s->who[i].len);
		}
	}
	return all;
}

static int search_and_cut(struct search *s, const struct net *nets, size_t n)
{
	struct net with[TCP_DIAG_NETS_MAX];
	const struct connection_filter f = {
		.ports = settings_now(s->p)->closed,
		.nets = with,
		.n = n > TCP_DIAG_NETS_MAX ?
			     0 :
			     add_nat64(s->p,
				       memcpy(with, nets, n * sizeof(*nets)), n)
	};
	int err = clock_read(s->p->prog[PROG_CLOCK], &s->now);

	s->found = calloc(CUT_MAX, sizeof(*s->found));
	if (!s->found)
		err = -ENOMEM;
	if (!err)
		err = tcp_diag_each(s->nl, &f, find, s);
	if (!err && settings_now(s->p)->proxies)
		err = named_each(s->p, find_named, s);
	if (!err)
		err = cut_found(s);
	free(s->found);
	return err;
}

int cut_connections(struct pins *p, const struct net *nets, size_t n,
		    bool *more)
{
	const struct settings *now = settings_now(p);
	struct search s = { .p = p };
	int ret;

	*more = false;
	if (!now->cut_sessions || now->mode == MODE_MONITOR)
		return 0;
	s.nl = netlink_open(NETLINK_SOCK_DIAG);
	if (!s.nl)
		return -errno;
	ret = search_and_cut(&s, nets, n);
	mnl_socket_close(s.nl);
	if (ret > 0)
		count(p, ret);
	*more = s.more && ret > 0; /* without progress, the caller gives up */
	return ret;
}

int cut_probe(void)
{
	struct mnl_socket *nl = netlink_open(NETLINK_SOCK_DIAG);
	int err;

	if (!nl)
		return -errno;
	err = tcp_diag_probe(nl);
	mnl_socket_close(nl);
	return err;
}

const char *cut_strerror(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "this kernel was built without "
		       "CONFIG_INET_DIAG_DESTROY";
	case -ENOENT:
		return "this kernel lacks tcp_diag (CONFIG_INET_TCP_DIAG)";
	case -EACCES:
		return "of servers in other network namespaces, "
		       "CAP_SYS_PTRACE is missing";
	case -EPERM:
		return "CAP_NET_ADMIN is missing";
	default:
		return strerror(-err);
	}
}

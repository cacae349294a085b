// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Listing and ending connections (user/sys/tcp_diag.c): whatever ports and
 * networks are asked for, the kernel tells exactly those. In a network
 * namespace of its own, with connections over loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "lib/fixture.h"
#include "sys/netlink.h"
#include "sys/tcp_diag.h"

#define CONNECTIONS_MAX 64

static const uint16_t ports[] = { 25, 465, 587, 2525, 8080 };
static const char *const clients4[] = { "127.0.0.1", "127.0.0.2", "127.1.2.3",
					"127.128.0.1" };
static const char *const clients6[] = { "::1", "2001:db8::1", "2001:db8:1::1",
					"fd00::1" };

struct pair {
	int client, server;
	uint16_t port;
};

static struct pair pairs[CONNECTIONS_MAX];
static size_t n_pairs;

struct list {
	struct connection c[2 * CONNECTIONS_MAX];
	size_t n;
};

static void add(const struct connection *c, void *ctx)
{
	struct list *list = ctx;

	assert_true(list->n < ARRAY_SIZE(list->c));
	list->c[list->n++] = *c;
}

static struct sockaddr_in6 mapped(const char *text, uint16_t port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	memcpy(&sa.sin6_addr, &a, sizeof(a));
	return sa;
}

static int tcp_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

/* From one address, to a listener of both families on that port. */
static void connect_from(const char *from, const char *to, int listener,
			 uint16_t port)
{
	struct sockaddr_in6 src = mapped(from, 0), dst = mapped(to, port);
	struct pair *p = &pairs[n_pairs++];

	p->port = port;
	p->client = tcp_socket(AF_INET6);
	assert_int_equal(bind(p->client, (void *)&src, sizeof(src)), 0);
	assert_int_equal(connect(p->client, (void *)&dst, sizeof(dst)), 0);
	p->server = accept(listener, NULL, NULL);
	assert_true(p->server >= 0);
}

static int listen_on(const char *address, uint16_t port)
{
	struct sockaddr_in6 sa = mapped(address, port);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	bool v4 = strcmp(address, "::");
	int fd = tcp_socket(v4 ? AF_INET : AF_INET6);

	memcpy(&sin.sin_addr, sa.sin6_addr.s6_addr + 12, 4);
	assert_int_equal(v4 ? bind(fd, (void *)&sin, sizeof(sin)) :
			      bind(fd, (void *)&sa, sizeof(sa)),
			 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int group_setup(void **state)
{
	int fd;

	dice_seed();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up"), 0);
	for (size_t i = 1; i < ARRAY_SIZE(clients6); i++) {
		char command[128];

		snprintf(command, sizeof(command),
			 "ip addr add %s/128 dev lo nodad", clients6[i]);
		assert_int_equal(system(command), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		fd = listen_on("::", ports[i]);
		for (size_t k = 0; k < ARRAY_SIZE(clients4); k++)
			connect_from(clients4[k], "127.0.0.1", fd, ports[i]);
		for (size_t k = 0; k < ARRAY_SIZE(clients6); k++)
			connect_from(clients6[k], "::1", fd, ports[i]);
		close(fd);
	}
	fd = listen_on("127.0.0.9", 587); /* and of IPv4 only */
	for (size_t k = 0; k < ARRAY_SIZE(clients4); k++)
		connect_from(clients4[k], "127.0.0.9", fd, 587);
	close(fd);
	*state = netlink_open(NETLINK_SOCK_DIAG);
	assert_non_null(*state);
	return 0;
}

static int group_teardown(void **state)
{
	mnl_socket_close(*state);
	return 0;
}

static void list(struct mnl_socket *nl, const struct connection_filter *f,
		 struct list *l)
{
	l->n = 0;
	assert_int_equal(tcp_diag_each(nl, f, add, l), 0);
}

static bool wanted(const struct connection *c,
		   const struct connection_filter *f)
{
	bool in = !f->n;

	for (size_t i = 0; i < f->n; i++)
		in |= net_contains(&f->nets[i], &c->peer);
	return in && f->ports[c->port / 64] >> c->port % 64 & 1;
}

static bool is_in(const struct list *l, const struct connection *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (!memcmp(&l->c[i].id, &c->id, sizeof(c->id)))
			return true;
	return false;
}

/* What is told is right: all that was meant, and nothing else. */
static void check(struct mnl_socket *nl, const struct connection_filter *f,
		  bool exactly)
{
	static __u64 any[65536 / 64];
	static struct list all, told;
	size_t n = 0;

	memset(any, 0xff, sizeof(any));
	list(nl, &(struct connection_filter){ .ports = any }, &all);
	list(nl, f, &told);
	for (size_t i = 0; i < all.n; i++) {
		if (!wanted(&all.c[i], f))
			continue;
		assert_true(is_in(&told, &all.c[i]));
		n++;
	}
	if (exactly)
		assert_int_equal(told.n, n);
}

static void allow_port(__u64 *bitmap, uint16_t port)
{
	bitmap[port / 64] |= 1ULL << port % 64;
}

static void test_everything(void **state)
{
	static __u64 any[65536 / 64];
	static struct list all;
	size_t found = 0;

	memset(any, 0xff, sizeof(any));
	list(*state, &(struct connection_filter){ .ports = any }, &all);
	assert_int_equal(all.n, 2 * n_pairs);
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(ports); k++)
			found += all.c[i].port == ports[k];
	assert_int_equal(found, n_pairs); /* the servers' ends */
}

static struct net some_net(void)
{
	const char *text = dice(2) ? clients4[dice(ARRAY_SIZE(clients4))] :
				     clients6[dice(ARRAY_SIZE(clients6))];
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	if (dice(4) == 0) /* nobody's, perhaps */
		a.b[dice(16)] ^= 1 << dice(8);
	return net_of(&a, addr_is_v4(&a) ? 96 + dice(33) : 1 + dice(128));
}

static bool has_mapped(const struct net *net)
{
	static const struct net v4 = { .len = 96,
				       .addr = { [10] = 0xff, 0xff } };

	return net_contains(net, &v4) && !net_is_v4(net);
}

static void test_random_filters(void **state)
{
	static struct net nets[TCP_DIAG_NETS_MAX];

	for (int round = 0; round < 500; round++) {
		__u64 bitmap[65536 / 64] = {};
		struct connection_filter f = { .ports = bitmap, .nets = nets };
		bool exactly = true;

		for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
			if (dice(2))
				allow_port(bitmap, ports[i]);
		allow_port(bitmap, 1 + dice(1000));
		f.n = dice(round % 10 ? 4 : TCP_DIAG_NETS_MAX + 1);
		for (size_t i = 0; i < f.n; i++) {
			nets[i] = some_net();
			exactly &= !has_mapped(&nets[i]);
		}
		check(*state, &f, exactly);
	}
}

/* The longest program: as many ports and networks as it ever asks for. */
static void test_many(void **state)
{
	static struct net nets[TCP_DIAG_NETS_MAX];
	__u64 bitmap[65536 / 64] = {};
	struct connection_filter f = { .ports = bitmap,
				       .nets = nets,
				       .n = TCP_DIAG_NETS_MAX };

	for (int i = 0; i < 63; i++)
		allow_port(bitmap, 10000 + i);
	allow_port(bitmap, 2525); /* 64 of them */
	for (size_t i = 0; i < f.n; i++) {
		struct addr a;

		assert_int_equal(addr_parse("2001:db8:ffff::", &a), 0);
		a.b[15] = i;
		nets[i] = net_of(&a, 128);
	}
	check(*state, &f, true);
	assert_int_equal(net_parse("127.128.0.0/9", &nets[63], NULL, 0), 0);
	check(*state, &f, true);
	allow_port(bitmap, 25); /* 65: the ports are not asked for any more */
	check(*state, &f, false);
}

static void test_all_networks(void **state)
{
	__u64 bitmap[65536 / 64] = {};
	static const char *const texts[] = { "0.0.0.0/0", "::/0", "::/1",
					     "::/64", "::ffff:0:0/95" };

	allow_port(bitmap, 587);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct net net;
		struct connection_filter f = { .ports = bitmap,
					       .nets = &net,
					       .n = 1 };

		if (!net_parse(texts[i], &net, NULL, 0))
			check(*state, &f, !has_mapped(&net));
	}
}

/* The cookie sees to it that it is this connection, and no later one. */
static void test_destroy(void **state)
{
	__u64 bitmap[65536 / 64] = {};
	struct connection_filter f = { .ports = bitmap };
	static struct list before, after;
	struct connection c;
	char byte;

	allow_port(bitmap, 8080);
	list(*state, &f, &before);
	c = before.c[0];
	assert_int_equal(tcp_diag_destroy(*state, &c), 0);
	list(*state, &f, &after);
	assert_int_equal(after.n, before.n - 1);
	assert_false(is_in(&after, &c));
	assert_int_equal(tcp_diag_destroy(*state, &c), -ENOENT);
	for (size_t i = 0; i < n_pairs; i++) {
		ssize_t n = recv(pairs[i].server, &byte, 1, MSG_DONTWAIT);
		int server = n < 0 ? errno : 0;

		assert_int_equal(n, -1);
		recv(pairs[i].client, &byte, 1, MSG_DONTWAIT);
		if (server == ECONNABORTED) {
			assert_int_equal(errno, ECONNRESET);
			before.n--;
		} else {
			assert_int_equal(server, EAGAIN);
			assert_int_equal(errno, EAGAIN);
		}
	}
	assert_int_equal(before.n, after.n); /* it was one */
	c = after.c[0];
	c.id.idiag_cookie[0] ^= 1;
	assert_int_equal(tcp_diag_destroy(*state, &c), -ENOENT);
	list(*state, &f, &before);
	assert_int_equal(before.n, after.n);
}

/*
 * By addresses and ports alone: the connection, and when it has ended not the
 * socket that listens there, which the kernel would find.
 */
static void test_find(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(8099),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	for (int i = 0; i < 2; i++) { /* the second: it listens still */
		int client = socket(AF_INET, SOCK_STREAM, 0), server;
		struct connection c = { .family = AF_INET };
		struct sockaddr_in from;

		assert_int_equal(connect(client, (void *)&at, sizeof(at)), 0);
		server =
			accept(fd, (void *)&from, &(socklen_t){ sizeof(from) });
		assert_true(server >= 0);
		c.id.idiag_sport = at.sin_port;
		c.id.idiag_dport = from.sin_port;
		c.id.idiag_src[0] = c.id.idiag_dst[0] = at.sin_addr.s_addr;
		assert_int_equal(tcp_diag_find(*state, &c), 0);
		assert_int_equal(tcp_diag_destroy(*state, &c), 0);
		assert_int_equal(tcp_diag_destroy(*state, &c), -ENOENT);
		assert_int_equal(tcp_diag_find(*state, &c), -ENOENT);
		close(client);
		close(server);
	}
	close(fd);
}

static void test_probe(void **state)
{
	assert_int_equal(tcp_diag_probe(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_random_filters),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_all_networks),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_destroy),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/tcp_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/address.h"
#include "sys/netlink.h"

#define OPEN_STATES (1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT)

#define OP_SIZE sizeof(struct inet_diag_bc_op)
#define PORTS_MAX 64 /* with more, the filter ignores ports */
#define PORT_SIZE (2 * OP_SIZE)
#define NET_SIZE                                                               \
	(OP_SIZE + sizeof(struct inet_diag_hostcond) + sizeof(struct addr))
#define CODE_SIZE                                                              \
	(PORTS_MAX * (PORT_SIZE + OP_SIZE) +                                   \
	 TCP_DIAG_NETS_MAX * (NET_SIZE + OP_SIZE))

/*
 * A filter in the kernel's bytecode for socket dumps. A condition jumps by
 * `yes` if it holds, by `no` if it does not. A jump to the end of the program
 * accepts the socket, a jump four bytes further rejects it. The kernel insists
 * that the path by `yes` visits every instruction; so an "or" is compiled to:
 * condition, jump to the end of all, condition, ...
 */
struct code {
	size_t len;
	size_t last[2]; /* each "or" rejects when this one fails */
	size_t n_last;
	unsigned char bytes[CODE_SIZE];
};

static struct inet_diag_bc_op *op_at(struct code *c, size_t at)
{
	return (struct inet_diag_bc_op *)(c->bytes + at);
}

static struct inet_diag_bc_op *append(struct code *c, __u8 code, size_t size)
{
	struct inet_diag_bc_op *op = op_at(c, c->len);

	memset(op, 0, size);
	op->code = code;
	op->yes = size;
	op->no = size + OP_SIZE; /* over the jump, to the next condition */
	c->len += size;
	return op;
}

/* The jump between two conditions; end_or() sets where it leads. */
static void append_or(struct code *c)
{
	append(c, INET_DIAG_BC_JMP, OP_SIZE);
}

/* Ends the "or" that began at `start`: all of its jumps lead here. */
static void end_or(struct code *c, size_t start)
{
	size_t at = start, last = start;

	for (; at < c->len; at += op_at(c, at)->yes) {
		if (op_at(c, at)->code == INET_DIAG_BC_JMP)
			op_at(c, at)->no = c->len - at;
		else
			last = at;
	}
	if (c->len > start)
		c->last[c->n_last++] = last;
}

static void append_port(struct code *c, __u16 port)
{
	append(c, INET_DIAG_BC_S_EQ, PORT_SIZE)[1].no = port;
}

static void append_net(struct code *c, const struct net *net)
{
	static const struct net mapped = {
		.len = ADDR_V4_BITS,
		.addr = { [10] = 0xff, [11] = 0xff },
	};
	bool v4 = net_is_v4(net), both = net_contains(net, &mapped) && !v4;
	size_t n = both ? 0 : v4 ? 4 : sizeof(struct addr);
	struct inet_diag_hostcond *host;
	struct inet_diag_bc_op *op;

	op = append(c, INET_DIAG_BC_D_COND, OP_SIZE + sizeof(*host) + n);
	host = (struct inet_diag_hostcond *)(op + 1);
	/* AF_INET matches mapped addresses of AF_INET6 sockets, too. */
	host->family = both ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
	host->prefix_len = both ? 0 : v4 ? net->len - ADDR_V4_BITS : net->len;
	host->port = -1;
	memcpy(host->addr, net->addr + sizeof(net->addr) - n, n);
}

static size_t count_ports(const __u64 *ports)
{
	size_t n = 0;

	for (size_t i = 0; i < 65536 / 64; i++)
		n += __builtin_popcountll(ports[i]);
	return n;
}

static void compile(struct code *c, const struct connection_filter *f)
{
	size_t start = c->len;

	if (count_ports(f->ports) <= PORTS_MAX) {
		for (unsigned int p = 0; p < 65536; p++) {
			if (!(f->ports[p / 64] >> p % 64 & 1))
				continue;
			if (c->len > start)
				append_or(c);
			append_port(c, p);
		}
		end_or(c, start);
	}
	start = c->len;
	for (size_t i = 0; i < f->n; i++) {
		if (i)
			append_or(c);
		append_net(c, &f->nets[i]);
	}
	end_or(c, start);
	for (size_t i = 0; i < c->n_last; i++)
		op_at(c, c->last[i])->no = c->len - c->last[i] + OP_SIZE;
}

struct listing {
	connection_fn fn;
	void *ctx;
};

static int on_connection(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	const struct listing *l = data;
	struct connection c = { .family = msg->idiag_family, .id = msg->id };
	struct addr peer = addr_of_family(msg->idiag_family, msg->id.idiag_dst);

	c.port = ntohs(msg->id.idiag_sport);
	c.peer = net_of(&peer, ADDR_BITS);
	l->fn(&c, l->ctx);
	return MNL_CB_OK;
}

static struct inet_diag_req_v2 *put_request(char *buf, int type, int flags,
					    int family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = family;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = OPEN_STATES;
	return req;
}

int tcp_diag_each(struct mnl_socket *nl, const struct connection_filter *f,
		  connection_fn fn, void *ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };
	char buf[512 + CODE_SIZE];
	struct listing l = { fn, ctx };
	struct code code = {};
	int err = 0;

	compile(&code, f);
	for (int i = 0; i < 2 && !err; i++) {
		put_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, families[i]);
		if (code.len)
			mnl_attr_put((struct nlmsghdr *)buf,
				     INET_DIAG_REQ_BYTECODE, code.len,
				     code.bytes);
		err = netlink_ask(nl, (struct nlmsghdr *)buf, on_connection,
				  &l);
		/* A kernel without IPv6 has no such sockets. */
		if (err == -ENOENT && families[i] == AF_INET6)
			err = 0;
	}
	return err;
}

static int on_listener(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	const struct listing *l = data;
	struct connection c = { .family = msg->idiag_family, .id = msg->id };
	struct addr own = {};

	c.port = ntohs(msg->id.idiag_sport);
	if (msg->idiag_family != AF_INET) {
		memcpy(&own, msg->id.idiag_src, sizeof(own));
	} else if (msg->id.idiag_src[0]) {
		own.d[2] = ADDR_V4_WORD;
		own.d[3] = msg->id.idiag_src[0];
	}
	c.peer = net_of(&own, ADDR_BITS);
	l->fn(&c, l->ctx);
	return MNL_CB_OK;
}

int tcp_diag_listeners(struct mnl_socket *nl, connection_fn fn, void *ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct listing l = { fn, ctx };
	char buf[512];
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		put_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, families[i])
			->idiag_states = 1 << TCP_LISTEN;
		err = netlink_ask(nl, (struct nlmsghdr *)buf, on_listener, &l);
		if (err == -ENOENT && families[i] == AF_INET6)
			err = 0;
	}
	return err;
}

static int on_found(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct connection *c = data;

	if (OPEN_STATES >> msg->idiag_state & 1)
		c->id = msg->id;
	return MNL_CB_OK;
}

int tcp_diag_find(struct mnl_socket *nl, struct connection *c)
{
	static const __u32 any[2] = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE };
	char buf[512];
	int err;

	memcpy(c->id.idiag_cookie, any, sizeof(any));
	put_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_ACK, c->family)->id = c->id;
	err = netlink_ask(nl, (struct nlmsghdr *)buf, on_found, c);
	if (err)
		return err;
	return memcmp(c->id.idiag_cookie, any, sizeof(any)) ? 0 : -ENOENT;
}

int tcp_diag_destroy(struct mnl_socket *nl, const struct connection *c)
{
	char buf[512];

	put_request(buf, SOCK_DESTROY, NLM_F_ACK, c->family)->id = c->id;
	return netlink_ask(nl, (struct nlmsghdr *)buf, NULL, NULL);
}

int tcp_diag_probe(struct mnl_socket *nl)
{
	static const struct connection none = { .family = AF_INET };
	char buf[512];
	int err;

	/*
	 * In states 0 there is no socket: the kernel has nothing to look
	 * through.
	 */
	put_request(buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, AF_INET)
		->idiag_states = 0;
	err = netlink_ask(nl, (struct nlmsghdr *)buf, NULL, NULL);
	if (err)
		return err;
	err = tcp_diag_destroy(nl, &none);
	return err == -ENOENT ? 0 : err;
}

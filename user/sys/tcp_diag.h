/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lists and destroys the open TCP connections of this network namespace, by
 * sock_diag(7).
 */
#ifndef SMTPXDP_TCP_DIAG_H
#define SMTPXDP_TCP_DIAG_H

#include <linux/inet_diag.h>
#include <linux/types.h>
#include <stddef.h>

#include "addr.h"

struct mnl_socket;

struct connection {
	struct net peer; /* of 128 bits */
	__u16 port; /* the local one */
	__u8 family; /* of the socket: a dual-stack listener's are AF_INET6 */
	struct inet_diag_sockid id;
};

/*
 * Chooses connections. The kernel applies it, so that a busy server's others
 * are not copied out; but it may let too many through (see PORTS_MAX), so the
 * caller checks again.
 */
#define TCP_DIAG_NETS_MAX 64

struct connection_filter {
	const __u64 *ports; /* bitmap: bit n for local port n; not empty */
	const struct net *nets; /* the peer is in one of these */
	size_t n; /* 0..TCP_DIAG_NETS_MAX; 0: any peer */
};

typedef void (*connection_fn)(const struct connection *c, void *ctx);

/*
 * Calls fn for each connection that is established, or that only the peer has
 * closed. -errno.
 */
int tcp_diag_each(struct mnl_socket *nl, const struct connection_filter *f,
		  connection_fn fn, void *ctx);

/*
 * Calls fn for each listening socket; c->peer is then the address that it
 * listens on, all zero for any. -errno.
 */
int tcp_diag_listeners(struct mnl_socket *nl, connection_fn fn, void *ctx);

/*
 * Finds the connection with c's addresses and ports, open as above, and sets the
 * cookie, without which the kernel takes the listening socket if the connection
 * has ended. -ENOENT: it has.
 */
int tcp_diag_find(struct mnl_socket *nl, struct connection *c);

/*
 * Destroys a connection: the server's next call fails with ECONNABORTED, the
 * peer gets a reset. -ENOENT: it has ended by itself. -EOPNOTSUPP: the kernel
 * was built without CONFIG_INET_DIAG_DESTROY. -EPERM: no CAP_NET_ADMIN.
 */
int tcp_diag_destroy(struct mnl_socket *nl, const struct connection *c);

/* Tries whether this kernel lists and destroys. 0, or -errno as above. */
int tcp_diag_probe(struct mnl_socket *nl);

#endif

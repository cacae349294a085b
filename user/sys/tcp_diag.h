/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The open TCP connections of this network namespace, listed and destroyed by
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
 * Which connections are meant. The kernel looks first, so that not all of a
 * busy server's are told; what is told may still be more than what was meant.
 */
#define TCP_DIAG_NETS_MAX 64

struct connection_filter {
	const __u64 *ports; /* bitmap: bit n for local port n; not empty */
	const struct net *nets; /* that the peer is in one of, ... */
	size_t n; /* 0..TCP_DIAG_NETS_MAX; 0: any peer */
};

typedef void (*connection_fn)(const struct connection *c, void *ctx);

/* Calls fn for each that is established, or that only the peer closed. */
int tcp_diag_each(struct mnl_socket *nl, const struct connection_filter *f,
		  connection_fn fn, void *ctx);

/*
 * Ends a connection: the server's next call fails with ECONNABORTED, the peer
 * gets a reset. -ENOENT: it ended by itself. -EOPNOTSUPP: the kernel
 * was built without CONFIG_INET_DIAG_DESTROY. -EPERM: no CAP_NET_ADMIN.
 */
int tcp_diag_destroy(struct mnl_socket *nl, const struct connection *c);

/* Can this kernel list and destroy? 0, or -EOPNOTSUPP and the like. */
int tcp_diag_probe(struct mnl_socket *nl);

#endif

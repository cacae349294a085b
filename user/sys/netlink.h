/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking the kernel by netlink: a request, and its answer to the end. */
#ifndef SMTPXDP_NETLINK_H
#define SMTPXDP_NETLINK_H

#include <libmnl/libmnl.h>

/* A socket of that family (NETLINK_ROUTE, ...), or NULL with errno. */
struct mnl_socket *netlink_open(int family);

/*
 * Sends a request, to which it gives a sequence number, and hands what comes
 * to cb until the dump or the acknowledgement ends it. -errno: also what the
 * kernel refuses with.
 */
int netlink_ask(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb,
		void *data);

#endif

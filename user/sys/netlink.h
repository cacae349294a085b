/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asks the kernel by netlink: sends a request, reads the answer to its end. */
#ifndef SMTPXDP_NETLINK_H
#define SMTPXDP_NETLINK_H

#include <libmnl/libmnl.h>

/* Opens a socket of a family, such as NETLINK_ROUTE. NULL, and errno. */
struct mnl_socket *netlink_open(int family);

/*
 * Sends a request, and passes each message of the answer to cb until the end of
 * the dump or the acknowledgement. Numbers the request itself. -errno, also the
 * one that the kernel refuses with.
 */
int netlink_ask(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb,
		void *data);

#endif

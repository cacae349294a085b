// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/netlink.h"

#include <errno.h>
#include <sys/socket.h>

/* The kernel fills as much of this as it can with each part of a dump. */
#define ANSWER_SIZE 32768

struct mnl_socket *netlink_open(int family)
{
	struct mnl_socket *nl = mnl_socket_open2(family, SOCK_CLOEXEC);

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(nl);
		nl = NULL;
	}
	return nl;
}

int netlink_ask(struct mnl_socket *nl, struct nlmsghdr *nlh, mnl_cb_t cb,
		void *data)
{
	static unsigned int seq;
	char buf[ANSWER_SIZE];
	int ret = MNL_CB_OK;
	ssize_t n;

	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (ret > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, nlh->nlmsg_seq,
				 mnl_socket_get_portid(nl), cb, data);
	}
	return ret < 0 ? -errno : 0;
}

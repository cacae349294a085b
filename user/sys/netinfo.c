// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/netinfo.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/array.h"
#include "sys/netlink.h"

static void take_addr(struct net *list, size_t *n, int family,
		      const void *bytes)
{
	struct addr a = addr_of_family(family, bytes);
	struct net host;

	if (*n == NETINFO_MAX)
		return;
	host = net_of(&a, ADDR_BITS);
	for (size_t i = 0; i < *n; i++)
		if (net_equal(&list[i], &host))
			return;
	list[(*n)++] = host;
}

static void take_default(struct netinfo *info, unsigned int ifindex)
{
	for (size_t i = 0; i < info->n_default; i++)
		if (info->default_ifindex[i] == ifindex)
			return;
	if (info->n_default < NETINFO_MAX)
		info->default_ifindex[info->n_default++] = ifindex;
}

static void take_own(const struct nlmsghdr *nlh, struct net *list, size_t *n)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *best = NULL;

	/*
	 * On a point-to-point link, IFA_ADDRESS is the address of the other
	 * end.
	 */
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
	{
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !best))
			best = attr;
	}
	if (best && (ifa->ifa_family == AF_INET || ifa->ifa_family == AF_INET6))
		take_addr(list, n, ifa->ifa_family, mnl_attr_get_payload(best));
}

static int on_address(const struct nlmsghdr *nlh, void *data)
{
	struct netinfo *info = data;

	take_own(nlh, info->own, &info->n_own);
	return MNL_CB_OK;
}

static void take_gateway(struct netinfo *info, int family,
			 const struct nlattr *attr)
{
	const struct rtvia *via;

	if (mnl_attr_get_type(attr) == RTA_GATEWAY) {
		take_addr(info->gateways, &info->n_gateways, family,
			  mnl_attr_get_payload(attr));
	} else if (mnl_attr_get_type(attr) == RTA_VIA) {
		via = mnl_attr_get_payload(attr); /* an IPv6 gateway of IPv4 */
		take_addr(info->gateways, &info->n_gateways, via->rtvia_family,
			  via->rtvia_addr);
	}
}

static void take_hops(struct netinfo *info, int family, int is_default,
		      const struct nlattr *attr)
{
	struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; RTNH_OK(hop, left);
	     left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const struct nlattr *a;

		if (is_default)
			take_default(info, hop->rtnh_ifindex);
		for (a = (void *)RTNH_DATA(hop);
		     mnl_attr_ok(a, (char *)hop + hop->rtnh_len - (char *)a);
		     a = mnl_attr_next(a))
			take_gateway(info, family, a);
	}
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct netinfo *info = data;
	const struct nlattr *attr;
	int is_default = rt->rtm_dst_len == 0 && rt->rtm_type == RTN_UNICAST;

	mnl_attr_for_each(attr, nlh, sizeof(*rt))
	{
		take_gateway(info, rt->rtm_family, attr);
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			take_hops(info, rt->rtm_family, is_default, attr);
		if (mnl_attr_get_type(attr) == RTA_OIF && is_default)
			take_default(info, mnl_attr_get_u32(attr));
	}
	return MNL_CB_OK;
}

/* `what` is the header that belongs to the type: ifaddrmsg, rtmsg, tcmsg. */
static int dump(struct mnl_socket *nl, int type, const void *what, size_t size,
		mnl_cb_t cb, void *data)
{
	char buf[MNL_ALIGN(MNL_NLMSG_HDRLEN) + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(nlh, size), what, size);
	return netlink_ask(nl, nlh, cb, data);
}

int netinfo_read(struct netinfo *info)
{
	static const struct ifaddrmsg any = { .ifa_family = AF_UNSPEC };
	static const struct rtmsg v4 = { .rtm_family = AF_INET };
	static const struct rtmsg v6 = { .rtm_family = AF_INET6 };
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	int err;

	memset(info, 0, sizeof(*info));
	if (!nl)
		return -errno;
	err = dump(nl, RTM_GETADDR, &any, sizeof(any), on_address, info);
	if (!err)
		err = dump(nl, RTM_GETROUTE, &v4, sizeof(v4), on_route, info);
	if (!err)
		err = dump(nl, RTM_GETROUTE, &v6, sizeof(v6), on_route, info);
	mnl_socket_close(nl);
	return err;
}

struct address_list {
	struct netinfo_address *list;
	size_t n, room;
	int err;
};

static int on_listed(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_list *l = data;
	unsigned int bits = ifa->ifa_prefixlen;
	struct net host;
	size_t n = 0;

	take_own(nlh, &host, &n);
	if (!n || l->err)
		return MNL_CB_OK;
	l->err = array_grow(&l->list, &l->room, l->n + 1, sizeof(*l->list));
	if (l->err)
		return MNL_CB_OK;
	if (ifa->ifa_family == AF_INET)
		bits += ADDR_V4_BITS;
	l->list[l->n++] = (struct netinfo_address){
		.ifindex = ifa->ifa_index,
		.host = host,
		.link = net_around(&host, bits),
	};
	return MNL_CB_OK;
}

int netinfo_addresses(struct netinfo_address **list)
{
	static const struct ifaddrmsg any = { .ifa_family = AF_UNSPEC };
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	struct address_list l = {};
	int err;

	if (!nl)
		return -errno;
	err = dump(nl, RTM_GETADDR, &any, sizeof(any), on_listed, &l);
	mnl_socket_close(nl);
	err = err ? err : l.err;
	if (err)
		free(l.list);
	*list = err ? NULL : l.list;
	return err ? err : (int)l.n;
}

uint64_t netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

uint64_t pidns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

static int on_filter(const struct nlmsghdr *nlh, void *data)
{
	*(bool *)data = true;
	return MNL_CB_OK;
}

bool netinfo_has_filters(unsigned int ifindex)
{
	static const __u32 hooks[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	bool found = false;
	int err = nl ? 0 : -errno;

	for (int i = 0; i < 2 && !err; i++) {
		struct tcmsg tc = {
			.tcm_ifindex = ifindex,
			.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hooks[i]),
		};

		err = dump(nl, RTM_GETTFILTER, &tc, sizeof(tc), on_filter,
			   &found);
	}
	if (nl)
		mnl_socket_close(nl);
	return found || err;
}

struct clsact_search {
	unsigned int ifindex;
	bool found;
};

static int on_qdisc(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(nlh);
	struct clsact_search *s = data;

	if ((unsigned int)tc->tcm_ifindex == s->ifindex &&
	    tc->tcm_parent == TC_H_CLSACT)
		s->found = true;
	return MNL_CB_OK;
}

bool netinfo_has_clsact(unsigned int ifindex)
{
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	struct clsact_search s = { .ifindex = ifindex };
	struct tcmsg tc = { .tcm_ifindex = ifindex };
	int err = nl ? dump(nl, RTM_GETQDISC, &tc, sizeof(tc), on_qdisc, &s) :
		       -errno;

	if (nl)
		mnl_socket_close(nl);
	return s.found || err;
}

int netinfo_watch(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -errno;
	}
	return fd;
}

void netinfo_drain(int fd)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];

	/*
	 * ENOBUFS: the kernel dropped some notices. The caller looks at
	 * everything anyway.
	 */
	for (;;) {
		if (recv(fd, buf, sizeof(buf), 0) < 0 && errno != ENOBUFS)
			return;
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sys/netlink.h"

/* Devices on devices: a bridge on a VLAN in a VLAN on a bond, and some spare. */
#define STACK_DEPTH 8

/*
 * Only for these kinds is IFLA_LINK the device below: for a veth it is the
 * peer, for a tunnel the device that the tunnel's packets leave by.
 */
static bool has_lower(const char *kind)
{
	return !strcmp(kind, "vlan") || !strcmp(kind, "macvlan") ||
	       !strcmp(kind, "ipvlan");
}

static void take_kind(struct link *link, const struct nlattr *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			snprintf(link->kind, sizeof(link->kind), "%s",
				 mnl_attr_get_str(attr));
	}
}

static void parse_link(const struct nlmsghdr *nlh, struct link *link)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	unsigned int below = 0;

	*link = (struct link){ .ifindex = ifi->ifi_index, .peer_netns = -1 };
	link->up = ifi->ifi_flags & IFF_UP;
	link->loopback = ifi->ifi_type == ARPHRD_LOOPBACK;
	link->ethernet = ifi->ifi_type == ARPHRD_ETHER || link->loopback;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(link->name, sizeof(link->name), "%s",
				 mnl_attr_get_str(attr));
			break;
		case IFLA_MASTER:
			link->master = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			below = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			link->peer_netns = (int)mnl_attr_get_u32(attr);
			break;
		case IFLA_LINKINFO:
			take_kind(link, attr);
			break;
		}
	}
	if (has_lower(link->kind) && link->peer_netns < 0)
		link->lower = below;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	parse_link(nlh, data);
	return MNL_CB_OK;
}

struct dump {
	struct links *l;
	int err;
};

static int on_each(const struct nlmsghdr *nlh, void *data)
{
	struct dump *d = data;
	struct links *l = d->l;

	if (!d->err)
		d->err = array_grow(&l->list, &l->room, l->n + 1,
				    sizeof(*l->list));
	if (!d->err)
		parse_link(nlh, &l->list[l->n++]);
	return MNL_CB_OK;
}

static int ask(unsigned int ifindex, int flags, mnl_cb_t cb, void *data)
{
	char buf[MNL_ALIGN(MNL_NLMSG_HDRLEN) + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	struct ifinfomsg *ifi;
	int err;

	if (!nl)
		return -errno;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	err = netlink_ask(nl, nlh, cb, data);
	mnl_socket_close(nl);
	return err;
}

int link_read(unsigned int ifindex, struct link *link)
{
	*link = (struct link){};
	return ask(ifindex, NLM_F_ACK, on_link, link);
}

int links_read(struct links *l)
{
	struct dump d = { .l = l };
	int err;

	*l = (struct links){};
	err = ask(0, NLM_F_DUMP, on_each, &d);
	return err ? err : d.err;
}

void links_free(struct links *l)
{
	free(l->list);
	*l = (struct links){};
}

const struct link *links_find(const struct links *l, unsigned int ifindex)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].ifindex == ifindex)
			return &l->list[i];
	return NULL;
}

/* Is `upper` the next device that gets the packets of `below`? */
static bool is_next(const struct link *upper, const struct link *below)
{
	return below->master == upper->ifindex ||
	       upper->lower == below->ifindex;
}

static bool hands_on(const struct links *l, const struct link *from,
		     unsigned int to, int depth)
{
	if (from->ifindex == to)
		return true;
	for (size_t i = 0; i < l->n && depth < STACK_DEPTH; i++)
		if (is_next(&l->list[i], from) &&
		    hands_on(l, &l->list[i], to, depth + 1))
			return true;
	return false;
}

bool links_hand_on(const struct links *l, unsigned int from, unsigned int to)
{
	const struct link *link = links_find(l, from);

	return link && hands_on(l, link, to, 0);
}

static bool leads_outside(const struct links *l, const struct link *link,
			  int depth)
{
	bool has_ports = false;

	if (link->loopback || depth > STACK_DEPTH)
		return false;
	if (link->lower) {
		const struct link *lower = links_find(l, link->lower);

		return lower && leads_outside(l, lower, depth + 1);
	}
	for (size_t i = 0; i < l->n; i++) {
		if (l->list[i].master != link->ifindex)
			continue;
		has_ports = true;
		if (leads_outside(l, &l->list[i], depth + 1))
			return true;
	}
	return !has_ports && (!*link->kind || has_lower(link->kind));
}

bool links_lead_outside(const struct links *l, const struct link *link)
{
	return leads_outside(l, link, 0);
}

struct descent {
	const struct links *l;
	unsigned int *list;
	size_t n, max;
};

static void take(struct descent *d, unsigned int ifindex)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i] == ifindex)
			return;
	if (d->n < d->max)
		d->list[d->n++] = ifindex;
}

/* All legs of a bond, of a bridge only those that lead outside. */
static bool counts(const struct links *l, const struct link *upper,
		   const struct link *port)
{
	return port->master == upper->ifindex &&
	       (strcmp(upper->kind, "bridge") || leads_outside(l, port, 0));
}

static void descend(struct descent *d, const struct link *link, int depth)
{
	const struct link *lower = links_find(d->l, link->lower);
	bool below = false;

	if (depth > STACK_DEPTH)
		return;
	if (lower) {
		descend(d, lower, depth + 1);
		return;
	}
	for (size_t i = 0; i < d->l->n; i++) {
		if (!counts(d->l, link, &d->l->list[i]))
			continue;
		below = true;
		descend(d, &d->l->list[i], depth + 1);
	}
	if (!below)
		take(d, link->ifindex);
}

size_t links_lowest(const struct links *l, unsigned int ifindex,
		    unsigned int *list, size_t max)
{
	struct descent d = { .l = l, .list = list, .max = max };
	const struct link *link = links_find(l, ifindex);

	if (link)
		descend(&d, link, 0);
	return d.n;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rtnetlink knows of this host: addresses, gateways, default routes. */
#ifndef SMTPXDP_NETINFO_H
#define SMTPXDP_NETINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define NETINFO_MAX 1024

struct netinfo {
	size_t n_own, n_gateways, n_default;
	struct net own[NETINFO_MAX]; /* of 128 bits, as the gateways */
	struct net gateways[NETINFO_MAX];
	unsigned int default_ifindex[NETINFO_MAX]; /* each once */
};

/* Asks the kernel. -errno. What is over NETINFO_MAX is left out. */
int netinfo_read(struct netinfo *info);

/* Which network namespace this is. */
uint64_t netns_inode(void);

/* And of our PID namespace. */
uint64_t pidns_inode(void);

/*
 * Are there filters on an interface's clsact qdisc? Then somebody else uses
 * it. What cannot be told counts as yes.
 */
bool netinfo_has_filters(unsigned int ifindex);

/* What a link is like. */
struct netinfo_link {
	bool up;
	bool ethernet; /* its frames have the header, as loopback's do */
	/* The bridge, bond, ... that it is a port of: it has what comes in; or
	 * 0 */
	unsigned int master;
	/* The device that a VLAN, macvlan or ipvlan gets its packets from; or 0
	 */
	unsigned int lower;
};

/* -errno. */
int netinfo_link(unsigned int ifindex, struct netinfo_link *link);

/* Does a packet that comes in by one device come in by the other one then? */
bool netinfo_hands_on(unsigned int from, unsigned int to);

/* A socket that becomes readable when any of that, or a link, changes. -errno.
 */
int netinfo_watch(void);
void netinfo_drain(int fd);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What rtnetlink knows of this host: addresses, gateways, default routes.
 * Devices: links.h.
 */
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

/* Asks the kernel. -errno. Entries beyond NETINFO_MAX are left out. */
int netinfo_read(struct netinfo *info);

/*
 * The inodes of this process's network and PID namespaces, which identify them;
 * 0 if /proc cannot be read.
 */
uint64_t netns_inode(void);

uint64_t pidns_inode(void);

/*
 * Are there filters on an interface's clsact qdisc? If so, another program uses
 * the qdisc. True also if the kernel cannot be asked.
 */
bool netinfo_has_filters(unsigned int ifindex);

/* Has the interface a clsact qdisc? Also true if that cannot be told. */
bool netinfo_has_clsact(unsigned int ifindex);

/* An address of this host and the network on its link. */
struct netinfo_address {
	unsigned int ifindex;
	struct net host;
	struct net link;
};

/*
 * Lists the addresses; *list is to be freed. Returns how many, or -errno.
 */
int netinfo_addresses(struct netinfo_address **list);

/*
 * Returns a socket that becomes readable when an address, route or link
 * changes; or -errno. netinfo_drain() reads it empty.
 */
int netinfo_watch(void);
void netinfo_drain(int fd);

#endif

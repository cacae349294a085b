/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps groups, groups_a and groups_b: the networks of groups are in one of the
 * latter two, while the other one is empty or being filled.
 */
#ifndef SMTPXDP_GROUPS_MAP_H
#define SMTPXDP_GROUPS_MAP_H

#include "groups.h"
#include "maps/pins.h"

/* A network, and where it is from. */
struct group_net {
	struct net net;
	__u8 kind; /* enum group_source_kind */
	__u8 group; /* enum group */
	__u16 source; /* index in struct groups */
	__u32 asn; /* of rated-asns; 0: none */
	/* prefix length of the group's network: this one, or one around it */
	__u8 len;
};

/* Map groups_a for 1, groups_b for 2; groups_map_active() says which is in use,
 * or 0. */
int groups_map_fd(const struct pins *p, __u32 which);
__u32 groups_map_active(const struct pins *p);

/* Calls fn for every network of a map; stops where fn is not 0. */
typedef int (*groups_map_fn)(const struct net *net, const struct group_entry *e,
			     void *ctx);
int groups_map_each(int fd, groups_map_fn fn, void *ctx);

int groups_map_clear(int fd);

/* Calls `progress` now and then, with the number of networks written. */
typedef void (*groups_map_done_fn)(size_t done, void *ctx);
int groups_map_fill(int fd, const struct group_net *nets, size_t count,
		    groups_map_done_fn progress, void *ctx);

/* Map groups: the sources in force. groups_in_force() returns a copy, to be
 * freed, or NULL. */
int groups_map_write(const struct pins *p, const struct groups *g);
struct groups *groups_in_force(const struct pins *p);

/* The entry of a network's first address; false if that is in no group. */
bool groups_find(const struct pins *p, const struct net *net,
		 struct group_entry *e);

#endif

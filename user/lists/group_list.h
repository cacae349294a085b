/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The networks of all groups, and which of them counts for an address. Pure.
 *
 * A file says more of an address than its AS, and that more than its country;
 * of two networks of one kind, the longer one does; of the same network, allow
 * more than lenient, and that more than strict.
 */
#ifndef SMTPXDP_GROUP_LIST_H
#define SMTPXDP_GROUP_LIST_H

#include <stddef.h>

#include "groups.h"

struct group_net {
	struct net net;
	__u8 kind; /* enum group_source_kind */
	__u8 group; /* enum group */
	__u16 source;
};

struct group_list {
	struct group_net *nets; /* to be freed */
	size_t n, room;
};

int group_list_add(struct group_list *l, const struct group_net *net);

/*
 * Leaves away what does not count: then the longest network that an address is
 * in is the one that does.
 */
void group_list_finish(struct group_list *l);

#endif

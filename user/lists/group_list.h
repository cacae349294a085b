/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The networks of all groups, and which one counts where several contain an
 * address. Pure.
 *
 * A network from a file counts before one of an AS, and that before one of a
 * country; of two networks of one kind, the longer one counts; for the same
 * network, allow counts before lenient, and that before strict.
 *
 * Networks of GROUP_RATED are no group: they only say which AS of rated-asns an
 * address is in, whatever group it is in.
 */
#ifndef SMTPXDP_GROUP_LIST_H
#define SMTPXDP_GROUP_LIST_H

#include <stddef.h>

#include "maps/groups_map.h"

struct group_list {
	struct group_net *nets; /* to be freed */
	size_t n, room;
};

/* -ENOMEM */
int group_list_add(struct group_list *l, const struct group_net *net);

/*
 * Drops the networks that count nowhere: then the longest network that contains
 * an address is the one that counts for it, its group as well as its AS.
 */
void group_list_finish(struct group_list *l);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps groups, groups_a and groups_b: between groups*.c only. */
#ifndef SMTPXDP_GROUPS_MAP_H
#define SMTPXDP_GROUPS_MAP_H

#include "lists/group_list.h"
#include "maps/pins.h"

/* Map groups_a or groups_b; which one is in use, as in struct groups. */
int groups_map_fd(const struct pins *p, __u32 which);
__u32 groups_map_active(const struct pins *p);

typedef int (*groups_map_fn)(const struct net *net, const struct group_entry *e,
			     void *ctx);
int groups_map_each(int fd, groups_map_fn fn, void *ctx);

int groups_map_clear(int fd);
/* Says now and then how many are written. */
typedef void (*groups_map_done_fn)(size_t done, void *ctx);
int groups_map_fill(int fd, const struct group_list *l,
		    groups_map_done_fn progress, void *ctx);

int groups_map_write(const struct pins *p, const struct groups *g);

#endif

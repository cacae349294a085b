/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file of networks, a network or range a line, as blocklists are published:
 * see net_line.h. "#" and ";" begin a comment anywhere.
 */
#ifndef SMTPXDP_NET_LIST_H
#define SMTPXDP_NET_LIST_H

#include <stddef.h>
#include <stdio.h>

#include "addr.h"

typedef int (*net_list_fn)(const struct net *net, void *ctx);

/*
 * Calls fn for each network, of a range for each that makes it up; clears bits
 * behind its prefix. Stops where fn is not 0, and returns that. -errno of
 * reading; -EINVAL: line number *line is wrong, and `err` says why.
 */
int net_list_read(FILE *in, net_list_fn fn, void *ctx, size_t *line, char *err,
		  size_t size);

#endif

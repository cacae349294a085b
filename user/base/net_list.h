/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files of networks, one a line, as blocklists are published. "#" and ";" begin
 * a comment anywhere.
 */
#ifndef SMTPXDP_NET_LIST_H
#define SMTPXDP_NET_LIST_H

#include <stddef.h>
#include <stdio.h>

#include "addr.h"

typedef int (*net_list_fn)(const struct net *net, void *ctx);

/*
 * Calls fn for each. Bits behind the prefix do not count. Returns 0, what fn
 * returned if that is not 0, -errno of reading, or -EINVAL: then *line is the
 * number of the one that is wrong, and `err` says why.
 */
int net_list_read(FILE *in, net_list_fn fn, void *ctx, size_t *line, char *err,
		  size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walking through a hash map, many entries a system call. */
#ifndef SMTPXDP_MAP_WALK_H
#define SMTPXDP_MAP_WALK_H

#include <stddef.h>

typedef int (*map_walk_fn)(const void *key, const void *value, void *ctx);

/*
 * Calls fn for every entry of map `fd`; stops where fn is not 0, and returns
 * that. fn may delete entries. -errno; -ENOMEM.
 */
int map_walk(int fd, size_t key_size, size_t value_size, map_walk_fn fn,
	     void *ctx);

#endif

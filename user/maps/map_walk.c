// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/map_walk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#define BATCH 1024

int map_walk(int fd, size_t key_size, size_t value_size, map_walk_fn fn,
	     void *ctx)
{
	char *keys = calloc(BATCH, key_size);
	char *values = calloc(BATCH, value_size);
	int err = keys && values ? 0 : -ENOMEM, done = 0;
	__u32 in = 0, out = 0, n;

	for (void *batch = NULL; !err && !done; batch = &in) {
		n = BATCH;
		if (bpf_map_lookup_batch(fd, batch, &out, keys, values, &n,
					 NULL)) {
			done = errno == ENOENT; /* these n are the last */
			if (!done)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++)
			err = fn(keys + i * key_size, values + i * value_size,
				 ctx);
		in = out;
	}
	free(keys);
	free(values);
	return err;
}

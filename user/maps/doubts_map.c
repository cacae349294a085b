// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/doubts_map.h"

#include <bpf/bpf.h>
#include <errno.h>

int doubts_read(const struct pins *p, enum doubt doubt, struct doubted *d)
{
	__u32 key = doubt;

	return bpf_map_lookup_elem(p->map[MAP_DOUBTS], &key, d) ? -errno : 0;
}

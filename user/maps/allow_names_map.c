// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/allow_names_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct allow_name_row *x = a, *y = b;

	return strcmp(x->name.text, y->name.text);
}

size_t allow_names_read(const struct pins *p, struct allow_name_row *rows)
{
	int fd = p->map[MAP_ALLOW_NAMES];
	struct host_name key, *prev = NULL;
	size_t n = 0;

	for (; n < ALLOW_NAMES_MAX && !bpf_map_get_next_key(fd, prev, &key);
	     prev = &key) {
		if (bpf_map_lookup_elem(fd, &key, &rows[n].entry))
			continue;
		rows[n].name = key;
		rows[n++].name.text[HOST_NAME_SIZE - 1] = '\0';
	}
	qsort(rows, n, sizeof(*rows), by_name);
	return n;
}

int allow_names_get(const struct pins *p, const struct host_name *name,
		    struct allow_name *entry)
{
	return bpf_map_lookup_elem(p->map[MAP_ALLOW_NAMES], name, entry) ?
		       -errno :
		       0;
}

int allow_names_put(struct pins *p, const struct host_name *name,
		    const struct allow_name *entry)
{
	return bpf_map_update_elem(p->map[MAP_ALLOW_NAMES], name, entry,
				   BPF_ANY) ?
		       -errno :
		       0;
}

int allow_names_del(struct pins *p, const struct host_name *name)
{
	return bpf_map_delete_elem(p->map[MAP_ALLOW_NAMES], name) ? -errno : 0;
}

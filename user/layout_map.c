// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "layout_map.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "generation.h"

#define PIN "layout"

int layout_save(const char *dir, int generation, const struct btf *btf)
{
	__u32 size, zero = 0;
	const void *data = btf__raw_data(btf, &size);
	char path[PATH_MAX];
	int fd, err = generation_path(path, sizeof(path), dir, generation, PIN);

	if (err || !data)
		return err ? err : -ENOMEM;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, PIN, sizeof(zero), size, 1,
			    NULL);
	if (fd < 0)
		return -errno;
	if (bpf_map_update_elem(fd, &zero, data, BPF_ANY) ||
	    bpf_obj_pin(fd, path))
		err = -errno;
	close(fd);
	return err;
}

static struct btf *read_btf(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	struct btf *btf = NULL;
	void *data = NULL;

	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		data = malloc(info.value_size);
	if (data && !bpf_map_lookup_elem(fd, &zero, data))
		btf = btf__new(data, info.value_size);
	free(data);
	return btf;
}

struct btf *layout_load(const char *dir, int generation)
{
	char path[PATH_MAX];
	struct btf *btf;
	int fd, err = generation_path(path, sizeof(path), dir, generation, PIN);

	errno = -err;
	fd = err ? -1 : bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	btf = read_btf(fd);
	close(fd);
	return btf;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/layout_map.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "maps/generation.h"
#include "maps/pin_names.h"
#include "smtpxdp.skel.h"

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

struct btf *layout_build_btf(void)
{
	struct smtpxdp *skel = smtpxdp__open();
	struct btf *btf = NULL;
	const void *data;
	__u32 size;

	if (!skel)
		return NULL;
	data = btf__raw_data(bpf_object__btf(skel->obj), &size);
	if (data)
		btf = btf__new(data, size);
	smtpxdp__destroy(skel);
	return btf;
}

static bool all_same(const struct btf *a, const struct btf *b)
{
	struct layout la, lb;

	for (int i = 0; i < MAPS_MAX; i++)
		if (layout_of(a, map_names[i], &la) ||
		    layout_of(b, map_names[i], &lb) ||
		    !layout_same(a, la.key, b, lb.key) ||
		    !layout_same(a, la.value, b, lb.value))
			return false;
	return true;
}

int layout_is_ours(const char *dir, int generation)
{
	struct btf *theirs = layout_load(dir, generation), *ours;
	int ret = theirs ? -ENOMEM : -errno;

	ours = theirs ? layout_build_btf() : NULL;
	if (ours)
		ret = all_same(theirs, ours);
	btf__free(theirs);
	btf__free(ours);
	return ret;
}

static int read_value(const char *dir, int generation, const char *map,
		      void *value)
{
	char path[PATH_MAX];
	__u32 zero = 0;
	int fd, err = generation_path(path, sizeof(path), dir, generation, map);

	fd = err ? -1 : bpf_obj_get(path);
	if (fd < 0)
		return err ? err : -errno;
	if (bpf_map_lookup_elem(fd, &zero, value))
		err = -errno;
	close(fd);
	return err;
}

int layout_read(const char *dir, int generation, const char *map, void *out)
{
	struct btf *theirs = layout_load(dir, generation), *ours;
	struct layout from, to;
	void *value = NULL;
	int err = theirs ? 0 : -errno;

	ours = theirs ? layout_build_btf() : NULL;
	if (!err && !ours)
		err = -ENOMEM;
	if (!err)
		err = layout_of(theirs, map, &from);
	if (!err)
		err = layout_of(ours, map, &to);
	if (!err) {
		value = malloc(layout_size(theirs, from.value));
		err = value ? read_value(dir, generation, map, value) : -ENOMEM;
	}
	if (!err)
		layout_convert(theirs, from.value, value, ours, to.value, out);
	free(value);
	btf__free(theirs);
	btf__free(ours);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/beside.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load/programs.h"
#include "smtpxdp.skel.h"
#include "sys/as_owner.h"
#include "sys/dispatcher.h"

#define MAPS 32

/* The kernel cuts off names; libbpf puts the object's before ".rodata". */
static bool is_called(const struct bpf_map *map, const char *kernel_name)
{
	const char *name = bpf_map__name(map);
	const char *dot = strchr(kernel_name, '.');

	if (bpf_map__is_internal(map) && dot)
		return !strcmp(strchr(name, '.') ?: name, dot);
	return !strncmp(name, kernel_name, BPF_OBJ_NAME_LEN - 1);
}

static int reuse(struct smtpxdp *skel, __u32 id)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id), err;
	struct bpf_map *map;

	if (fd < 0)
		return -errno;
	err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : -ENOENT;
	bpf_object__for_each_map(map, skel->obj) {
		if (err != -ENOENT || !is_called(map, info.name))
			continue;
		err = bpf_map__reuse_fd(map, fd);
		if (!err)
			err = bpf_map__set_autocreate(map, true);
	}
	close(fd);
	return err;
}

/* The gate's own maps, and none besides. */
static int take_maps(struct smtpxdp *skel, int gate)
{
	struct bpf_prog_info info = { .nr_map_ids = MAPS };
	__u32 len = sizeof(info), ids[MAPS];
	struct bpf_map *map;
	int err = 0;

	info.map_ids = (__u64)(unsigned long)ids;
	if (bpf_obj_get_info_by_fd(gate, &info, &len))
		return -errno;
	if (info.nr_map_ids > MAPS)
		return -E2BIG;
	bpf_object__for_each_map(map, skel->obj)
		bpf_map__set_autocreate(map, false);
	for (__u32 i = 0; i < info.nr_map_ids && !err; i++)
		err = reuse(skel, ids[i]);
	return err;
}

static int add(const struct daemon_iface *iface, int gate, char *why,
	       size_t size)
{
	bool raw = iface->flags & IFACE_RAW;
	struct smtpxdp *skel = smtpxdp__open();
	int err = skel ? 0 : -errno;

	if (!err) {
		programs_choose(skel,
				PART_BIT(raw ? PART_GATE_RAW : PART_GATE));
		err = take_maps(skel, gate);
	}
	if (err)
		snprintf(why, size, "cannot load the gate once more: %s",
			 strerror(-err));
	else
		err = dispatcher_add(iface, skel->obj,
				     raw ? "drop_raw" : "drop_ethernet", why,
				     size);
	smtpxdp__destroy(skel);
	return err;
}

/* The folder is the daemon's: its pins are opened as the daemon's user. */
static int open_gate(const char *dir, const struct daemon_iface *iface)
{
	int err = as_owner_begin(dir), fd;

	if (err)
		return err;
	fd = dispatcher_open_gate(dir, iface);
	as_owner_end();
	return fd;
}

int beside_put(const char *dir, const struct daemon_iface *iface, char *why,
	       size_t size)
{
	int err = 0, gate;

	if (!dispatcher_find(dir, iface)) {
		gate = open_gate(dir, iface);
		if (gate < 0) {
			snprintf(why, size, "there is no gate to put there: %s",
				 strerror(-gate));
			return gate;
		}
		err = add(iface, gate, why, size);
		close(gate);
	}
	if (!err && !dispatcher_find(dir, iface)) {
		snprintf(why, size,
			 "libxdp's dispatcher has another gate than "
			 "the one in force: restart the daemon");
		err = -ESTALE;
	}
	return err ? err : dispatcher_clear(iface, dir, why, size);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/dispatcher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sys/libxdp.h"

/* Where libxdp pins what dispatcher ID on interface IFINDEX calls. */
#define STATE_DIR "/sys/fs/bpf/xdp"
#define FOLDER "dispatch-%u-%u"
#define SLOTS 10 /* programs that a dispatcher calls at most */
#define MAPS 32

/* Who drops has to see a packet before others redirect it or let it pass. */
#define RUN_PRIORITY 1

/* As the pins of the gates, and the functions in bpf/drop.bpf.c, are called. */
static const char *const gate_names[] = { "drop_ethernet", "drop_raw" };

#define GATE_NAMES (sizeof(gate_names) / sizeof(*gate_names))

/* What tells a program: equal code has an equal tag. */
struct identity {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN];
	__u8 tag[BPF_TAG_SIZE];
	__u32 n_maps;
	__u32 maps[MAPS];
};

static int identify(int fd, struct identity *of)
{
	struct bpf_prog_info info = { .nr_map_ids = MAPS };
	__u32 len = sizeof(info);

	memset(of, 0, sizeof(*of));
	info.map_ids = (__u64)(unsigned long)of->maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	of->id = info.id;
	of->n_maps = info.nr_map_ids;
	memcpy(of->name, info.name, sizeof(of->name));
	memcpy(of->tag, info.tag, sizeof(of->tag));
	return of->n_maps > MAPS ? -E2BIG : 0;
}

static bool are_twins(const struct identity *a, const struct identity *b)
{
	return !memcmp(a->tag, b->tag, sizeof(a->tag)) &&
	       a->n_maps == b->n_maps &&
	       !memcmp(a->maps, b->maps, sizeof(a->maps));
}

/* The daemon's user may read the pins of root, and no more. */
static int open_read(const char *path)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	int fd = bpf_obj_get_opts(path, &opts);

	return fd < 0 ? -errno : fd;
}

int dispatcher_open_gate(const char *dir, const struct daemon_iface *iface)
{
	char path[PATH_MAX], name[64];
	int err;

	snprintf(name, sizeof(name), "current/%s",
		 gate_names[!!(iface->flags & IFACE_RAW)]);
	err = file_path(path, sizeof(path), dir, name);
	return err ? err : open_read(path);
}

/* The folder of the dispatcher that is attached now. */
static bool folder_of(const struct daemon_iface *iface, char *buf, size_t size)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct stat st;

	if (!iface->ifindex || bpf_xdp_query(iface->ifindex, 0, &query) ||
	    !query.prog_id)
		return false;
	snprintf(buf, size, STATE_DIR "/" FOLDER, iface->ifindex,
		 query.prog_id);
	return !stat(buf, &st); /* access() ignores capabilities */
}

bool dispatcher_is_on(const struct daemon_iface *iface)
{
	char folder[128];

	return folder_of(iface, folder, sizeof(folder));
}

/* Identifies what the dispatcher calls: how many programs. */
static int list(const struct daemon_iface *iface, struct identity *of)
{
	char folder[128], path[160];
	int n = 0;

	if (!folder_of(iface, folder, sizeof(folder)))
		return 0;
	for (int i = 0; i < SLOTS; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/prog%d-prog", folder, i);
		fd = open_read(path);
		if (fd < 0)
			continue;
		n += !identify(fd, &of[n]);
		close(fd);
	}
	return n;
}

static bool is_ours(const struct identity *of)
{
	for (size_t i = 0; i < GATE_NAMES; i++)
		if (!strcmp(of->name, gate_names[i]))
			return true;
	return false;
}

bool dispatcher_has_ours(const struct daemon_iface *iface)
{
	struct identity of[SLOTS];
	int n = list(iface, of);

	while (n-- > 0)
		if (is_ours(&of[n]))
			return true;
	return false;
}

static int identify_gate(const char *dir, const struct daemon_iface *iface,
			 struct identity *gate)
{
	int fd = dispatcher_open_gate(dir, iface), err;

	if (fd < 0)
		return fd;
	err = identify(fd, gate);
	close(fd);
	return err;
}

/* Its place in the list, or -1. */
static int find_twin(const char *dir, const struct daemon_iface *iface,
		     const struct identity *of, int n, __u32 *gate_id)
{
	struct identity gate;

	if (!n || identify_gate(dir, iface, &gate))
		return -1;
	*gate_id = gate.id;
	while (n-- > 0)
		if (are_twins(&of[n], &gate))
			return n;
	return -1;
}

__u32 dispatcher_find(const char *dir, const struct daemon_iface *iface)
{
	struct identity of[SLOTS];
	int n = list(iface, of);
	__u32 id = 0;

	return find_twin(dir, iface, of, n, &id) < 0 ? 0 : id;
}

int dispatcher_add(const struct daemon_iface *iface, struct bpf_object *obj,
		   const char *prog, char *why, size_t size)
{
	return libxdp_add(iface->ifindex, obj, prog, RUN_PRIORITY, why, size);
}

int dispatcher_clear(const struct daemon_iface *iface, const char *dir,
		     char *why, size_t size)
{
	struct identity of[SLOTS];
	int n = list(iface, of), err = 0;
	__u32 gate_id;
	int twin = dir ? find_twin(dir, iface, of, n, &gate_id) : -1;

	for (int i = 0; i < n && !err; i++)
		if (i != twin && is_ours(&of[i]))
			err = libxdp_remove(iface->ifindex, of[i].id, why,
					    size);
	return err;
}

void dispatcher_for_each(void (*fn)(const struct daemon_iface *iface,
				    void *ctx),
			 void *ctx)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_index; i++) {
		struct daemon_iface iface = { .ifindex = i->if_index };

		snprintf(iface.name, sizeof(iface.name), "%s", i->if_name);
		if (dispatcher_has_ours(&iface))
			fn(&iface, ctx);
	}
	if_freenameindex(all);
}

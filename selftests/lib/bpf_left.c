// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lists the BPF objects of the kernel that smtpxdp's daemons of this PID
 * namespace have made, pinned or not, a line each: "map NAME", "prog NAME",
 * "link TYPE". Those of other labs are told apart by the namespace in their
 * constants (our_pidns); what shares a map with such a program is ours, too.
 */
#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAPS_PER_PROG 128
#define IDS_MAX 16384

static struct {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN];
	__u32 n, maps[MAPS_PER_PROG];
	bool ours;
} progs[IDS_MAX];
static struct {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN];
	bool ours;
} maps[IDS_MAX];
static int n_progs, n_maps;

/* Do the constants hold the number of this namespace? */
static bool names(int fd, const struct bpf_map_info *info, uint32_t pidns)
{
	char *value = calloc(1, info->value_size + 8);
	__u32 zero = 0;
	bool found = false;

	if (value && !bpf_map_lookup_elem(fd, &zero, value))
		for (__u32 i = 0; i + 4 <= info->value_size && !found; i += 4)
			found = !memcmp(value + i, &pidns, 4);
	free(value);
	return found;
}

static void read_maps(uint32_t pidns)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id) && n_maps < IDS_MAX) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			maps[n_maps].id = id;
			strcpy(maps[n_maps].name, info.name);
			maps[n_maps++].ours = strstr(info.name, ".rodata") &&
					      names(fd, &info, pidns);
		}
		close(fd);
	}
}

static void read_progs(void)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id) && n_progs < IDS_MAX) {
		struct bpf_prog_info info = {
			.map_ids = (uintptr_t)progs[n_progs].maps,
			.nr_map_ids = MAPS_PER_PROG,
		};
		__u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len)) {
			progs[n_progs].id = id;
			strcpy(progs[n_progs].name, info.name);
			progs[n_progs++].n = info.nr_map_ids;
		}
		close(fd);
	}
}

static bool *owned_map(__u32 id)
{
	static bool unknown;

	for (int i = 0; i < n_maps; i++)
		if (maps[i].id == id)
			return &maps[i].ours;
	unknown = false;
	return &unknown;
}

/* Who uses a map of ours is ours, and so are the maps that he uses. */
static bool spread(void)
{
	bool more = false;

	for (int i = 0; i < n_progs; i++) {
		bool ours = progs[i].ours;

		for (__u32 k = 0; k < progs[i].n; k++)
			ours |= *owned_map(progs[i].maps[k]);
		if (!ours)
			continue;
		more |= !progs[i].ours;
		progs[i].ours = true;
		for (__u32 k = 0; k < progs[i].n; k++) {
			bool *map = owned_map(progs[i].maps[k]);

			more |= !*map;
			*map = true;
		}
	}
	return more;
}

static void print_links(void)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len))
			for (int i = 0; i < n_progs; i++)
				if (progs[i].id == info.prog_id &&
				    progs[i].ours)
					printf("link %d %s\n", info.type,
					       progs[i].name);
		close(fd);
	}
}

int main(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return 1;
	read_maps(st.st_ino);
	read_progs();
	while (spread())
		;
	for (int i = 0; i < n_maps; i++)
		if (maps[i].ours)
			printf("map %s\n", maps[i].name);
	for (int i = 0; i < n_progs; i++)
		if (progs[i].ours)
			printf("prog %s\n", progs[i].name);
	print_links();
	return 0;
}

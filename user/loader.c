// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "pins.h"
#include "smtpxdp.skel.h"
#include "tls_load.h"

/* libbpf's own complaints, kept until we know whether they matter. */
static char complaints[4096];

static int keep_complaints(enum libbpf_print_level level, const char *fmt,
			   va_list ap)
{
	size_t n = strlen(complaints);

	if (level == LIBBPF_WARN && n < sizeof(complaints))
		vsnprintf(complaints + n, sizeof(complaints) - n, fmt, ap);
	return 0;
}

static bool same_layout(const struct bpf_map_info *old, struct bpf_map *map)
{
	return old->type == bpf_map__type(map) &&
	       old->key_size == bpf_map__key_size(map) &&
	       old->value_size == bpf_map__value_size(map) &&
	       old->map_flags == bpf_map__map_flags(map);
}

/* An fd of the old map where its entries are to be carried over, or -1. */
static int reuse_pin(struct bpf_map *map, const char *path, int *err)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	*err = 0;
	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		*err = -errno;
	} else if (!same_layout(&info, map)) {
		warn("map %s has another layout than this version's: replaced, "
		     "its entries are not carried over",
		     bpf_map__name(map));
	} else if (info.max_entries != bpf_map__max_entries(map)) {
		return fd;
	} else {
		*err = bpf_map__reuse_fd(map, fd);
	}
	close(fd);
	return -1;
}

/* Entry by entry, as far as they fit. A per-CPU map gives all CPUs' values. */
static void carry_over(int from, struct bpf_map *map)
{
	void *key = malloc(bpf_map__key_size(map));
	void *next = malloc(bpf_map__key_size(map));
	void *value = calloc(libbpf_num_possible_cpus(),
			     (bpf_map__value_size(map) + 7) & ~7U);
	void *prev = NULL;
	unsigned long lost = 0;

	while (key && next && value &&
	       !bpf_map_get_next_key(from, prev, next)) {
		memcpy(key, next, bpf_map__key_size(map));
		prev = key;
		if (!bpf_map_lookup_elem(from, key, value) &&
		    bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
			lost++;
	}
	if (lost)
		warn("map %s is smaller than before: %lu entries did not fit",
		     bpf_map__name(map), lost);
	free(key);
	free(next);
	free(value);
}

static int pin_map(const char *dir, struct bpf_map *map)
{
	char path[PATH_MAX];
	int err = pins_path(path, sizeof(path), dir, bpf_map__name(map));

	if (err)
		return err;
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(bpf_map__fd(map), path) ? -errno : 0;
}

static int pin_program(const char *dir, struct bpf_program *prog)
{
	char path[PATH_MAX];
	int err = pins_path(path, sizeof(path), dir, bpf_program__name(prog));

	if (err)
		return err;
	unlink(path);
	if (!bpf_program__autoload(prog))
		return 0;
	return bpf_obj_pin(bpf_program__fd(prog), path) ? -errno : 0;
}

static int pin_all(struct smtpxdp *skel, const char *dir, const int *old,
		   const bool *reused)
{
	int err = 0;

	for (int i = 0; i < MAPS_MAX && !err; i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(skel->obj, map_names[i]);

		if (reused[i])
			continue;
		if (old[i] >= 0 && bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF)
			carry_over(old[i], map);
		err = pin_map(dir, map);
	}
	for (int i = 0; i < PROGS_MAX && !err; i++)
		err = pin_program(dir, bpf_object__find_program_by_name(
					       skel->obj, prog_names[i]));
	return err;
}

static const char *first_complaint(void)
{
	complaints[strcspn(complaints, "\n")] = '\0';
	return *complaints ? complaints : "no details";
}

static int load_failed(int err)
{
	if (err == -EPERM)
		return fail("the kernel refuses to load BPF programs: %s; run "
			    "as root, or with CAP_BPF, CAP_NET_ADMIN and "
			    "CAP_PERFMON",
			    strerror(-err));
	if (err == -ENOMEM)
		return fail("not enough memory for the maps: lower max-clients "
			    "or max-bans");
	return fail("cannot load the BPF programs: %s (%s); Linux 6.1 or later "
		    "is needed",
		    strerror(-err), first_complaint());
}

static void configure(struct smtpxdp *skel, const struct loader_options *o)
{
	tls_load_configure(skel, o);
	bpf_map__set_max_entries(skel->maps.clients, o->max_clients);
	bpf_map__set_max_entries(skel->maps.regulars, o->max_clients);
	bpf_map__set_max_entries(skel->maps.history, o->max_clients);
	bpf_map__set_max_entries(skel->maps.bans, o->max_bans);
	bpf_map__set_max_entries(skel->maps.ban_nets, o->max_bans);
	bpf_program__set_autoload(skel->progs.detect_ethernet, o->ethernet);
	bpf_program__set_autoload(skel->progs.drop_ethernet, o->ethernet);
	bpf_program__set_autoload(skel->progs.detect_raw, o->raw);
	bpf_program__set_autoload(skel->progs.drop_raw, o->raw);
}

static int load_once(const struct loader_options *o, struct smtpxdp **out)
{
	int old[MAPS_MAX], err = 0;
	bool reused[MAPS_MAX] = {};
	struct smtpxdp *skel;
	char path[PATH_MAX];

	memset(old, -1, sizeof(old));
	complaints[0] = '\0';
	libbpf_set_print(keep_complaints);
	skel = smtpxdp__open();
	if (!skel)
		return -errno;
	configure(skel, o);
	for (int i = 0; i < MAPS_MAX && !err; i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(skel->obj, map_names[i]);

		err = pins_path(path, sizeof(path), o->dir, map_names[i]);
		if (!err)
			old[i] = reuse_pin(map, path, &err);
		reused[i] = bpf_map__fd(map) >= 0;
	}
	if (!err)
		err = smtpxdp__load(skel);
	if (!err)
		err = pin_all(skel, o->dir, old, reused);
	for (int i = 0; i < MAPS_MAX; i++)
		if (old[i] >= 0)
			close(old[i]);
	if (err)
		smtpxdp__destroy(skel);
	else
		*out = skel;
	return err;
}

int loader_load(struct loader_options *o, struct smtpxdp **skel)
{
	int err = load_once(o, skel);

	if (err && o->tls) {
		o->tls = false;
		o->tls_error = err;
		if (!load_once(o, skel))
			return 0;
	}
	if (err)
		load_failed(err);
	return err;
}

int loader_load_replay(const struct loader_options *o, struct smtpxdp **out)
{
	struct smtpxdp *skel;
	int err;

	complaints[0] = '\0';
	libbpf_set_print(keep_complaints);
	skel = smtpxdp__open();
	if (!skel)
		return load_failed(-errno);
	configure(skel, o);
	skel->rodata->replaying = true;
	err = smtpxdp__load(skel);
	if (!err) {
		*out = skel;
		return 0;
	}
	load_failed(err);
	smtpxdp__destroy(skel);
	return err;
}

/* Whatever is pinned there: an unpinned link is a detached program. */
static int unpin_links(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = pins_path(path, sizeof(path), dir, "links");
	DIR *links = err ? NULL : opendir(path);

	if (!links)
		return 0;
	while ((entry = readdir(links)))
		if (*entry->d_name != '.' &&
		    unlinkat(dirfd(links), entry->d_name, 0))
			err = -errno;
	closedir(links);
	if (!err && rmdir(path))
		err = -errno;
	return err;
}

int loader_unpin(const char *dir)
{
	char path[PATH_MAX];
	int err = unpin_links(dir);

	for (int i = 0; i < MAPS_MAX + PROGS_MAX && !err; i++) {
		const char *name =
			i < MAPS_MAX ? map_names[i] : prog_names[i - MAPS_MAX];

		err = pins_path(path, sizeof(path), dir, name);
		if (!err && unlink(path) && errno != ENOENT)
			err = -errno;
	}
	/* In the unit's sandbox, only what is in the folder may be changed. */
	if (!err && rmdir(dir) && errno != ENOENT && errno != EROFS)
		err = -errno;
	return err;
}

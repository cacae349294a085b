// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "load/loader.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/output.h"
#include "load/programs.h"
#include "load/refusal.h"
#include "maps/accounts_map.h"
#include "maps/ban_map.h"
#include "maps/generation.h"
#include "maps/layout_map.h"
#include "maps/pins.h"
#include "smtpxdp.skel.h"
#include "sys/netinfo.h"
#include "tell/journal.h"

/*
 * Is the old map the same in every way, so that the new programs can work on
 * it?
 */
static bool fits(const struct bpf_map_info *old, struct bpf_map *map,
		 const struct btf *old_btf, const struct btf *btf)
{
	const char *name = bpf_map__name(map);
	struct layout was, is;

	return old->type == bpf_map__type(map) &&
	       old->key_size == bpf_map__key_size(map) &&
	       old->value_size == bpf_map__value_size(map) &&
	       old->map_flags == bpf_map__map_flags(map) &&
	       old->max_entries == bpf_map__max_entries(map) &&
	       !layout_of(old_btf, name, &was) && !layout_of(btf, name, &is) &&
	       layout_same(old_btf, was.key, btf, is.key) &&
	       layout_same(old_btf, was.value, btf, is.value);
}

/* The generation in force, whose maps may be taken over. */
struct former {
	const char *dir;
	int generation;
	struct btf *btf;
};

/*
 * Opens the former map if it fits: returns its fd; -ENOENT; or another -errno.
 */
static int find_former(const struct former *f, struct smtpxdp *skel,
		       struct bpf_map *map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[PATH_MAX];
	int fd, err = generation_path(path, sizeof(path), f->dir, f->generation,
				      bpf_map__name(map));

	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT; /* the former generation had no such map */
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		err = -errno;
	else if (fits(&info, map, f->btf, bpf_object__btf(skel->obj)))
		return fd;
	close(fd);
	return err ? err : -ENOENT;
}

static int reuse(const struct former *f, struct smtpxdp *skel,
		 struct bpf_map *map)
{
	int fd = find_former(f, skel, map), err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_map__reuse_fd(map, fd);
	close(fd);
	return err;
}

/* The table of bans consists of two maps: both are taken over, or none. */
static bool suits(const struct former *f, struct smtpxdp *skel,
		  enum pinned_map map)
{
	int lines, infos;

	if (map != MAP_BANS && map != MAP_BAN_INFOS)
		return true;
	lines = find_former(f, skel, skel->maps.bans);
	infos = find_former(f, skel, skel->maps.ban_infos);
	if (lines >= 0)
		close(lines);
	if (infos >= 0)
		close(infos);
	return lines >= 0 && infos >= 0;
}

/* Takes over the maps that fit. */
static int reuse_maps(struct smtpxdp *skel, const char *dir)
{
	struct former f = { dir, generation_current(dir), NULL };
	int err = 0;

	if (f.generation == -ENOENT)
		return 0;
	f.btf = f.generation < 0 ? NULL : layout_load(dir, f.generation);
	if (!f.btf)
		return f.generation < 0 ? f.generation : -errno;
	for (int i = 0; i < MAPS_MAX && !err; i++)
		if (suits(&f, skel, i))
			err = reuse(&f, skel,
				    bpf_object__find_map_by_name(skel->obj,
								 map_names[i]));
	btf__free(f.btf);
	return err;
}

/* Sets the limit of the table of bans, and initializes a new one. */
static int prepare_bans(struct smtpxdp *skel, uint32_t max)
{
	int lines = bpf_map__fd(skel->maps.bans);
	int infos = bpf_map__fd(skel->maps.ban_infos);
	struct ban_map m;

	if (ban_map_open(&m, lines, infos))
		return ban_map_init(lines, infos, max);
	m.head->max = max;
	ban_map_close(&m);
	return 0;
}

static int pin(int fd, const char *dir, int generation, const char *name)
{
	char path[PATH_MAX];
	int err = generation_path(path, sizeof(path), dir, generation, name);

	return err || !bpf_obj_pin(fd, path) ? err : -errno;
}

/*
 * Pins all in a new generation, which is not in force yet. Its number, or
 * -errno.
 */
static int pin_all(struct smtpxdp *skel, const char *dir)
{
	int n = generation_make(dir), err;

	if (n < 0)
		return n;
	err = layout_save(dir, n, bpf_object__btf(skel->obj));
	for (int i = 0; i < MAPS_MAX && !err; i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(skel->obj, map_names[i]);

		if (bpf_map__autocreate(map))
			err = pin(bpf_map__fd(map), dir, n, map_names[i]);
	}
	for (int i = 0; i < PROGS_MAX && !err; i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(
			skel->obj, prog_names[i]);

		if (bpf_program__autoload(prog))
			err = pin(bpf_program__fd(prog), dir, n, prog_names[i]);
	}
	if (err)
		generation_remove(dir, n);
	return err ? err : n;
}

/* Reports why nothing could be loaded; returns the exit code. */
static int load_failed(const struct refusal *r, const struct smtpxdp *skel)
{
	char text[2048];

	if (r->err == -EPERM)
		fail("the kernel refuses to load BPF programs: %s; run as "
		     "root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
		     strerror(-r->err));
	else if (r->err == -ENOMEM)
		fail("not enough memory for the programs and maps: lower "
		     "max-clients or max-bans");
	else if (*r->r.prog && refusal_is_final(r->err)) {
		refusal_describe(r, skel, program_lost(r->r.prog), text,
				 sizeof(text));
		fail("%s", text);
	} else {
		fail("cannot load the BPF programs: %s (%s); Linux 6.1 or "
		     "later, with BTF, is needed",
		     strerror(-r->err), *r->log ? r->log : "no details");
	}
	return refusal_is_final(r->err) ? EXIT_REFUSED : EXIT_FAILURE;
}

static void configure(struct smtpxdp *skel, const struct loader_options *o)
{
	programs_choose(skel, o->parts);
	skel->rodata->only_netns = o->netns;
	skel->rodata->our_netns = o->home;
	skel->rodata->our_pidns = o->pidns;
	bpf_map__set_max_entries(skel->maps.clients, o->max_clients);
	bpf_map__set_max_entries(skel->maps.repeats, o->max_clients);
	bpf_map__set_max_entries(skel->maps.regulars, o->max_clients);
	bpf_map__set_max_entries(skel->maps.account_nets, o->max_clients);
	bpf_map__set_max_entries(skel->maps.history, o->max_clients);
	bpf_map__set_max_entries(skel->maps.bans, ban_map_entries(o->max_bans));
	bpf_map__set_max_entries(skel->maps.ban_infos,
				 ban_map_info_entries(o->max_bans));
	bpf_map__set_max_entries(skel->maps.ban_reasons, o->max_bans);
	bpf_map__set_max_entries(skel->maps.ban_nets, o->max_bans);
	bpf_map__set_max_entries(skel->maps.ban_claims, o->max_bans);
}

static struct smtpxdp *open_listening(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);

	refusal_listen(&opts);
	return smtpxdp__open_opts(&opts);
}

/*
 * Reports a refused program. Returns 0, and in o->parts what to load without
 * it; or an exit code, if the others are of no use without it.
 */
static int do_without(struct loader_options *o, const struct refusal *r,
		      const struct smtpxdp *skel)
{
	enum part part = program_part(r->r.prog);
	uint32_t rest =
		part == PARTS_MAX ? 0 : programs_without(o->parts, part);
	char text[2048];

	if (!refusal_is_final(r->err) || !rest)
		return load_failed(r, skel);
	refusal_describe(r, skel, program_lost(r->r.prog), text, sizeof(text));
	journal_note(MESSAGE_REFUSED, "%s", text);
	if (o->n_refused < DAEMON_REFUSED_MAX)
		o->refused[o->n_refused++] = r->r;
	o->parts = rest;
	return 0;
}

/* Sets *again if the kernel refused a program and the others are of use. */
static int load_once(struct loader_options *o, struct smtpxdp **out,
		     bool *again)
{
	struct smtpxdp *skel = open_listening();
	struct refusal r;
	int err = skel ? 0 : -errno;

	*again = false;
	if (!err) {
		configure(skel, o);
		err = reuse_maps(skel, o->dir);
	}
	if (err)
		return load_failed(&(struct refusal){ .err = err }, skel);
	err = smtpxdp__load(skel);
	if (err) {
		refusal_read(err, &r);
		err = do_without(o, &r, skel);
		*again = !err;
		smtpxdp__destroy(skel);
		return err;
	}
	err = prepare_bans(skel, o->max_bans);
	if (!err)
		err = name_key_make(bpf_map__fd(skel->maps.name_key));
	if (!err)
		err = o->generation = pin_all(skel, o->dir);
	if (err < 0) {
		fail("cannot pin the programs and maps below %s: %s", o->dir,
		     strerror(-err));
		smtpxdp__destroy(skel);
		return EXIT_FAILURE;
	}
	*out = skel;
	return 0;
}

int loader_load(struct loader_options *o, struct smtpxdp **skel)
{
	bool again = true;
	int err = 0;

	while (!err && again) {
		/* On slow CPUs, verification may take minutes. */
		sd_notify(0, "EXTEND_TIMEOUT_USEC=300000000");
		err = load_once(o, skel, &again);
	}
	refusal_end();
	return err;
}

int loader_load_replay(const struct loader_options *o, struct smtpxdp **out)
{
	struct smtpxdp *skel = open_listening();
	struct refusal r;
	int err = skel ? 0 : -errno;

	if (!err) {
		configure(skel, o);
		skel->rodata->replaying = true;
		err = smtpxdp__load(skel);
	}
	if (!err)
		err = prepare_bans(skel, o->max_bans);
	if (!err)
		err = name_key_make(bpf_map__fd(skel->maps.name_key));
	if (err) {
		refusal_read(err, &r);
		err = load_failed(&r, skel);
		smtpxdp__destroy(skel);
	} else {
		*out = skel;
	}
	refusal_end();
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/generation.h"
#include "maps/pins.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"
#include "sys/uprobe.h"
#include "tls.h"
#include "tls/tls_files.h"
#include "tls/tls_moving.h"
#include "tls/tls_probes.h"
#include "tls/tls_serving.h"

#define HOOKS_MAX 2

struct tls_sensor {
	struct smtpxdp *skel;
	const struct pins *pins;
	struct bpf_link *hooks[HOOKS_MAX];
	size_t n_hooks;
	struct tls_files files;
};

/*
 * Distributions keep the libraries in these places: they are probed at the
 * start, so that a server's first reply is seen. Libraries elsewhere are found
 * in /proc when a process sends from a mail port.
 */
static const char *const usual[] = {
	"/usr/lib/*/libssl.so.*",     "/usr/lib/*/libgnutls.so.*",
	"/usr/lib64/libssl.so.*",     "/usr/lib64/libgnutls.so.*",
	"/usr/lib/libssl.so.*",	      "/usr/lib/libgnutls.so.*",
	"/usr/local/lib/libssl.so.*", "/usr/local/lib/libgnutls.so.*",
};

static void add_usual(struct tls_sensor *t)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		glob_t found;

		if (glob(usual[i], 0, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			tls_files_add(&t->files, found.gl_pathv[k]);
		globfree(&found);
	}
}

/* Attaches the hook that the loader has chosen, by what this kernel takes. */
static int attach_hooks(struct tls_sensor *t)
{
	const struct bpf_program *const hooks[] = {
		t->skel->progs.tls_sent,       t->skel->progs.tls_sent_v4,
		t->skel->progs.tls_sent_v6,    t->skel->progs.tls_sending_v4,
		t->skel->progs.tls_sending_v6,
	};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		struct bpf_link *link;

		if (!bpf_program__autoload(hooks[i]))
			continue;
		link = bpf_program__attach(hooks[i]);
		if (!link)
			return -errno;
		t->hooks[t->n_hooks++] = link;
		tls_files_pin(&t->files, bpf_link__fd(link));
	}
	return t->n_hooks ? 0 : -ENOENT;
}

/* Looks at the mail servers' processes that an earlier daemon found. */
static void add_known(struct tls_sensor *t)
{
	int fd = t->pins->map[MAP_MAIL_PROCS];
	__u32 pid, *prev = NULL;
	bool known;

	while (!bpf_map_get_next_key(fd, prev, &pid)) {
		prev = &pid;
		tls_files_look(&t->files, pid, &known);
	}
}

static void add_serving(pid_t pid, void *ctx)
{
	struct tls_sensor *t = ctx;
	bool known;

	tls_files_look(&t->files, pid, &known);
}

static void add_named(struct tls_sensor *t, char **paths, char *why,
		      size_t size)
{
	for (; *paths; paths++) {
		int err = tls_files_add(&t->files, *paths);

		if (err < 0)
			snprintf(why, size, "%s: %s", *paths,
				 err == -ENOENT ?
					 "no TLS write function in it" :
				 err == -ENOSPC ?
					 "too many libraries are probed" :
					 strerror(-err));
	}
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Is a pinned map the same one in the former generation as in this one? */
static bool is_shared(const struct pins *p, enum pinned_map map)
{
	int before = generation_before(p->dir, p->generation), fd;
	char path[PATH_MAX];
	bool same;

	if (before < 0 ||
	    generation_path(path, sizeof(path), p->dir, before, map_names[map]))
		return false;
	fd = bpf_obj_get(path);
	same = fd >= 0 && map_id(fd) == map_id(p->map[map]);
	if (fd >= 0)
		close(fd);
	return same;
}

/* Can both daemons' probes run side by side, and see each call once? */
static bool shares_calls(const struct pins *p)
{
	return is_shared(p, MAP_TLS_TASKS) && is_shared(p, MAP_TLS_READINGS) &&
	       is_shared(p, MAP_TLS_DIALOGUES);
}

void tls_sensor_remove(const struct pins *p)
{
	int fd = p->map[MAP_TLS_DIALOGUES];
	struct tls_key key;

	tls_unpin(p->dir, 0);
	while (!bpf_map_get_next_key(fd, NULL, &key) &&
	       !bpf_map_delete_elem(fd, &key))
		;
}

/*
 * The former daemon's probes are removed after this one's are attached, so that
 * no call goes unseen. Meanwhile two programs see each call, and it counts
 * once: the first that sees it return takes it out of map tls_tasks, or
 * tls_readings. What both know of a session is in one map, for a reply that one
 * of them saw answers the AUTH for the other, too. If the former daemon, of
 * another version, uses other such maps, its probes are removed before.
 */
struct tls_sensor *tls_sensor_start(const struct pins *p, struct smtpxdp *skel,
				    char **paths, char *why, size_t size)
{
	struct tls_sensor *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return NULL;
	t->skel = skel;
	t->pins = p;
	t->files.skel = skel;
	t->files.pins = p;
	if (!shares_calls(p))
		tls_sensor_remove(p);
	err = tls_homes_open(&t->files.homes);
	if (!err)
		err = attach_hooks(t);
	if (err) {
		snprintf(why, size, "cannot attach to where sockets send: %s",
			 strerror(-err));
		tls_sensor_stop(t);
		tls_sensor_remove(p);
		return NULL;
	}
	add_usual(t);
	add_known(t);
	if (!skel->rodata->only_netns)
		tls_serving_each(settings_now(p)->ports, add_serving, t);
	add_named(t, paths, why, size);
	if (t->files.probe_error)
		snprintf(
			why, size, "a library cannot be probed: %s%s",
			strerror(-t->files.probe_error),
			t->files.probe_error == -EACCES &&
					!uprobe_multi_works() ?
				" (before Linux 6.6 that takes CAP_SYS_ADMIN)" :
				"");
	tls_unpin(p->dir, p->generation);
	if (t->files.pin_error)
		snprintf(why, size,
			 "it ends with the daemon, for its links "
			 "cannot be pinned: %s",
			 strerror(-t->files.pin_error));
	return t;
}

int tls_sensor_look(struct tls_sensor *t, pid_t pid, bool *known)
{
	return tls_files_look(&t->files, pid, known);
}

int tls_sensor_tick(struct tls_sensor *t)
{
	return tls_files_late(&t->files) + tls_moving(&t->files);
}

int tls_sensor_fd(const struct tls_sensor *t)
{
	return t->files.homes.ended;
}

int tls_sensor_ended(struct tls_sensor *t)
{
	int n = tls_files_ended(&t->files);

	if (n)
		add_known(t); /* servers elsewhere may use the same files */
	return n;
}

bool tls_sensor_full(const struct tls_sensor *t)
{
	return t->files.full;
}

int tls_sensor_error(const struct tls_sensor *t)
{
	return t->files.probe_error;
}

const char *tls_sensor_file(const struct tls_sensor *t, size_t i,
			    enum tls_way *way)
{
	for (size_t k = 0; k < t->files.n; k++) {
		const struct tls_file *f = &t->files.list[k];

		if (!f->probes.n || i-- > 0)
			continue;
		*way = f->move.way;
		return f->path;
	}
	return NULL;
}

bool tls_sensor_is_perf(const struct tls_sensor *t)
{
	return bpf_program__expected_attach_type(t->skel->progs.tls_free) !=
	       UPROBE_MULTI;
}

const char *tls_sensor_hook(const struct tls_sensor *t)
{
	if (bpf_program__autoload(t->skel->progs.tls_sent))
		return "sock_send_length";
	return bpf_program__autoload(t->skel->progs.tls_sent_v4) ?
		       "fexit inet_sendmsg" :
		       "kprobe inet_sendmsg";
}

void tls_sensor_stop(struct tls_sensor *t)
{
	if (!t)
		return;
	tls_files_close(&t->files);
	while (t->n_hooks)
		bpf_link__destroy(t->hooks[--t->n_hooks]);
	free(t);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maps/generation.h"
#include "maps/pins.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"
#include "sys/uprobe.h"
#include "tls/tls_library.h"
#include "tls/tls_probes.h"

#define FILES_MAX 64
#define PATH_SIZE 256
#define HOOKS_MAX 2

struct tls_file {
	dev_t dev;
	ino_t ino;
	struct timespec changed; /* mtime, since inode numbers are reused */
	char path[PATH_SIZE]; /* for people */
	struct tls_probes probes; /* none if it has no TLS write function */
};

struct tls_sensor {
	struct smtpxdp *skel;
	const struct pins *pins;
	int pin_error; /* -errno: some link is not pinned */
	int probe_error; /* -errno: some library could not be probed */
	struct bpf_link *hooks[HOOKS_MAX];
	size_t n_hooks;
	struct tls_file files[FILES_MAX];
	size_t n_files;
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

static struct tls_file *find_file(struct tls_sensor *t, const struct stat *st)
{
	for (size_t i = 0; i < t->n_files; i++)
		if (t->files[i].dev == st->st_dev &&
		    t->files[i].ino == st->st_ino &&
		    !memcmp(&t->files[i].changed, &st->st_mtim,
			    sizeof(st->st_mtim)))
			return &t->files[i];
	return NULL;
}

/* Identifies a file without a build-id. */
static uint64_t id_of(const struct tls_file *f)
{
	return ((uint64_t)f->ino << 32 ^ f->dev ^ f->changed.tv_sec) | 1;
}

/* A link that cannot be pinned ends with the daemon. */
static void pin(struct tls_sensor *t, int link)
{
	int err = tls_pin(t->pins->dir, t->pins->generation, link);

	if (err)
		t->pin_error = err;
}

/*
 * Probes a file, which `path` reaches, and which people know by `name`. 1: it
 * is new, and probed now. 0: it was known. -errno.
 */
static int add_file(struct tls_sensor *t, const char *path, const char *name)
{
	const struct settings *s = settings_now(t->pins);
	struct tls_library lib;
	struct tls_file *f;
	struct stat st;
	int err;

	if (stat(path, &st))
		return -errno;
	if (find_file(t, &st) || t->n_files == FILES_MAX)
		return 0;
	f = &t->files[t->n_files++];
	*f = (struct tls_file){ .dev = st.st_dev,
				.ino = st.st_ino,
				.changed = st.st_mtim };
	snprintf(f->path, sizeof(f->path), "%s", name);
	err = tls_library_read(path, &lib);
	if (err)
		return err;
	err = tls_probes_put(&f->probes, t->skel, path, &lib,
			     lib.id ? lib.id : id_of(f),
			     s->users & USERS_TLS || s->unanswered);
	if (err) {
		t->probe_error = err;
		return err;
	}
	for (size_t i = 0; i < f->probes.n; i++)
		pin(t, f->probes.links[i]);
	return 1;
}

static void add_usual(struct tls_sensor *t)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		glob_t found;

		if (glob(usual[i], 0, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			add_file(t, found.gl_pathv[k], found.gl_pathv[k]);
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
		pin(t, bpf_link__fd(link));
	}
	return t->n_hooks ? 0 : -ENOENT;
}

static bool is_library(const char *name)
{
	const char *base = strrchr(name, '/');

	return base && (!strncmp(base, "/libssl.so", 10) ||
			!strncmp(base, "/libssl-", 8) ||
			!strncmp(base, "/libgnutls.so", 13));
}

/* Looks at one file that a process has mapped. 1: it is new, and probed now. */
static int look_at_file(struct tls_sensor *t, const char *path,
			const char *name, bool *known)
{
	const struct tls_file *f;
	int ret = add_file(t, path, name);
	struct stat st;

	f = stat(path, &st) ? NULL : find_file(t, &st);
	*known |= f && f->probes.n;
	return ret == 1;
}

/*
 * The links in /proc/PID/map_files reach deleted files and those of other mount
 * namespaces.
 */
static int look_at_maps(struct tls_sensor *t, pid_t pid, FILE *maps,
			bool *known)
{
	char line[PATH_SIZE + 128], path[64], range[40], perms[8];
	int new = 0, name;

	while (fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		name = 0;
		if (sscanf(line, "%39s %7s %*s %*s %*s %n", range, perms,
			   &name) != 2 ||
		    !name || !strchr(perms, 'x') || !is_library(line + name))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid,
			 range);
		new += look_at_file(t, path, line + name, known);
	}
	return new;
}

int tls_sensor_look(struct tls_sensor *t, pid_t pid, bool *known)
{
	char path[64], name[PATH_SIZE] = "";
	FILE *maps;
	ssize_t n;
	int new;

	*known = false;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return 0;
	new = look_at_maps(t, pid, maps, known);
	fclose(maps);
	/* The program itself may have the library built in. */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, name, sizeof(name) - 1);
	if (n > 0)
		new += look_at_file(t, path, name, known);
	return new;
}

/* Looks at the mail servers' processes that an earlier daemon found. */
static void add_known(struct tls_sensor *t)
{
	int fd = t->pins->map[MAP_MAIL_PROCS];
	__u32 pid, *prev = NULL;
	bool known;

	while (!bpf_map_get_next_key(fd, prev, &pid)) {
		prev = &pid;
		tls_sensor_look(t, pid, &known);
	}
}

static void add_named(struct tls_sensor *t, char **paths, char *why,
		      size_t size)
{
	for (; *paths; paths++) {
		int err = add_file(t, *paths, *paths);

		if (err < 0)
			snprintf(why, size, "%s: %s", *paths,
				 err == -ENOENT ?
					 "no TLS write function in it" :
					 strerror(-err));
	}
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Does the former daemon's sensor use the same map tls_tasks as this one? */
static bool shares_calls(const struct pins *p)
{
	int before = generation_before(p->dir, p->generation), fd;
	char path[PATH_MAX];
	bool same;

	if (before < 0 || generation_path(path, sizeof(path), p->dir, before,
					  map_names[MAP_TLS_TASKS]))
		return false;
	fd = bpf_obj_get(path);
	same = fd >= 0 && map_id(fd) == map_id(p->map[MAP_TLS_TASKS]);
	if (fd >= 0)
		close(fd);
	return same;
}

/*
 * The former daemon's probes are removed after this one's are attached, so that
 * no call goes unseen. Meanwhile two programs see each call, and it counts
 * once: the first that sees it return deletes it from map tls_tasks. If the
 * former daemon, of another version, uses another such map, its probes are
 * removed before.
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
	if (!shares_calls(p))
		tls_unpin(p->dir, 0);
	err = attach_hooks(t);
	if (err) {
		snprintf(why, size, "cannot attach to where sockets send: %s",
			 strerror(-err));
		tls_sensor_stop(t);
		tls_unpin(p->dir, 0);
		return NULL;
	}
	add_usual(t);
	add_known(t);
	add_named(t, paths, why, size);
	if (t->probe_error)
		snprintf(
			why, size, "a library cannot be probed: %s%s",
			strerror(-t->probe_error),
			t->probe_error == -EACCES && !uprobe_multi_works() ?
				" (before Linux 6.6 that takes CAP_SYS_ADMIN)" :
				"");
	tls_unpin(p->dir, p->generation);
	if (t->pin_error)
		snprintf(why, size,
			 "it ends with the daemon, for its links "
			 "cannot be pinned: %s",
			 strerror(-t->pin_error));
	return t;
}

int tls_sensor_error(const struct tls_sensor *t)
{
	return t->probe_error;
}

const char *tls_sensor_file(const struct tls_sensor *t, size_t i)
{
	for (size_t k = 0; k < t->n_files; k++)
		if (t->files[k].probes.n && i-- == 0)
			return t->files[k].path;
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
	for (size_t i = 0; i < t->n_files; i++)
		tls_probes_close(&t->files[i].probes);
	while (t->n_hooks)
		bpf_link__destroy(t->hooks[--t->n_hooks]);
	free(t);
}

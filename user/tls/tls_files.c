// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_files.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "maps/pins.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"
#include "sys/confined.h"
#include "sys/proc_maps.h"
#include "tls/tls_library.h"
#include "tls/tls_places.h"
#include "tls/tls_root.h"

#define LINE_SIZE (73 + 4096 + 64) /* of /proc/PID/maps; others are skipped */
#define READ_MSEC 2000 /* for one file */
/*
 * The event loop spends this share of its time on the files of processes, which
 * may make it wait: what is left is read in the next period.
 */
#define PERIOD_USEC 10000000
#define SHARE_USEC 2000000

static bool is_same(const struct tls_file *a, const struct tls_file *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	       !memcmp(&a->changed, &b->changed, sizeof(a->changed));
}

static struct tls_file *find_file(struct tls_files *t,
				  const struct tls_file *like)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_same(&t->list[i], like))
			return &t->list[i];
	return NULL;
}

/* Returns the time. */
static uint64_t begin_look(struct tls_files *t)
{
	uint64_t now = clock_monotonic_usec();

	if (now - t->period >= PERIOD_USEC) {
		t->period = now;
		t->spent = 0;
	}
	t->deadline = now;
	if (t->spent < SHARE_USEC)
		t->deadline += SHARE_USEC - t->spent;
	return now;
}

static bool may_read(const struct tls_files *t)
{
	return clock_monotonic_usec() < t->deadline;
}

/* Identifies a file without a build-id. */
static uint64_t id_of(const struct tls_file *f)
{
	return ((uint64_t)f->ino << 32 ^ f->dev ^ f->changed.tv_sec) | 1;
}

int tls_files_pin(struct tls_files *t, int link)
{
	int pin = tls_pin(t->pins->dir, t->pins->generation, link);

	if (pin < 0)
		t->pin_error = pin;
	return pin;
}

bool tls_files_reads(const struct tls_files *t)
{
	return settings_now(t->pins)->users & USERS_TLS;
}

void tls_files_pin_all(struct tls_files *t, struct tls_probes *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->pins[i] = tls_files_pin(t, p->links[i]);
}

void tls_files_end(struct tls_files *t, struct tls_probes *p)
{
	for (size_t i = p->n; i-- > 0;)
		if (p->pins[i] >= 0)
			tls_unpin_one(t->pins->dir, t->pins->generation,
				      p->pins[i]);
	if (p->n)
		tls_probes_end(p);
}

/*
 * Which file it is. Asks no server of files (statx() without sync): that might
 * wait. -EINVAL for anything but a regular file.
 */
static int identify(int fd, struct tls_file *f)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
		  &st))
		return -errno;
	f->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	f->ino = st.stx_ino;
	f->changed.tv_sec = st.stx_mtime.tv_sec;
	f->changed.tv_nsec = st.stx_mtime.tv_nsec;
	return S_ISREG(st.stx_mode) ? 0 : -EINVAL;
}

static int read_library(int fd, uint64_t size, void *lib)
{
	int err = tls_library_read(fd, size, lib);

	if (!err)
		tls_places_find(fd, size, lib);
	return err;
}

/* Keeps the file open where its probes may move. */
static void plan_move(struct tls_files *t, struct tls_file *f, int fd,
		      const struct tls_library *lib)
{
	if (!bpf_program__autoload(t->skel->progs.tls_try_enter))
		return;
	tls_trial_plan(&f->move, lib, tls_files_reads(t));
	if (f->move.way == TLS_WAY_SOON)
		f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (f->fd < 0)
		f->move.way = TLS_WAY_ENTRY;
}

/*
 * Probes the file that the descriptor is of, and no other: its process may map
 * another one in its place at any time.
 */
static int probe(struct tls_files *t, struct tls_file *f, int fd)
{
	struct tls_library lib;
	char path[32];
	int err = confined_read(fd, read_library, &lib, sizeof(lib), READ_MSEC);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	f->cookie = lib.id ? lib.id : id_of(f);
	err = tls_probes_put(&f->probes, t->skel, path, &lib, f->cookie,
			     tls_files_reads(t));
	if (err) {
		t->probe_error = err;
		return err;
	}
	tls_files_pin_all(t, &f->probes);
	plan_move(t, f, fd, &lib);
	return 0;
}

static bool is_library(const char *name)
{
	const char *base = strrchr(name, '/');

	return base && (!strncmp(base, "/libssl.so", 10) ||
			!strncmp(base, "/libssl-", 8) ||
			!strncmp(base, "/libgnutls.so", 13));
}

typedef void (*file_fn)(struct tls_files *t, int fd, const char *name,
			void *ctx);

static void call(struct tls_files *t, const char *path, const char *name,
		 file_fn fn, void *ctx)
{
	int fd = confined_path(path);

	if (fd < 0)
		return;
	fn(t, fd, name, ctx);
	close(fd);
}

/*
 * The links in /proc/PID/map_files reach deleted files and those of other mount
 * namespaces.
 */
static void each_mapped(struct tls_files *t, pid_t pid, FILE *maps, file_fn fn,
			void *ctx)
{
	char line[LINE_SIZE], path[64];
	struct mapping m;

	while (may_read(t) && mapping_line(maps, line, sizeof(line))) {
		if (!mapping_parse(line, &m) || !m.executable ||
		    !is_library(m.name))
			continue;
		snprintf(path, sizeof(path),
			 "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m.from,
			 m.to);
		call(t, path, m.name, fn, ctx);
	}
}

/* Calls fn for the libraries of a process, and for its program. */
static void each_file(struct tls_files *t, pid_t pid, file_fn fn, void *ctx)
{
	char path[64], name[TLS_PATH_SIZE] = "";
	FILE *maps;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	each_mapped(t, pid, maps, fn, ctx);
	fclose(maps);
	/* The program itself may have the library built in. */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, name, sizeof(name) - 1);
	if (n > 0 && may_read(t))
		call(t, path, name, fn, ctx);
}

static void drop(struct tls_files *t, struct tls_file *f)
{
	tls_trial_end(&f->move, t->skel);
	tls_files_end(t, &f->behind);
	tls_files_end(t, &f->probes);
	if (f->fd >= 0)
		close(f->fd);
	memmove(f, f + 1, (char *)(t->list + --t->n) - (char *)f);
}

static void mark(struct tls_files *t, int fd, const char *name, void *ctx)
{
	struct tls_file *f, like = {};

	f = identify(fd, &like) ? NULL : find_file(t, &like);
	if (f)
		f->used = true;
}

/* Is the file still where it was found, if that was by its path? */
static bool is_there(const struct tls_file *f)
{
	int fd = f->lasting ? confined_path(f->path) : -1;
	struct tls_file now = {};
	bool same;

	if (fd < 0)
		return false;
	same = !identify(fd, &now) && is_same(f, &now);
	close(fd);
	return same;
}

/*
 * Forgets the files that are gone: no mail server that is known has them mapped
 * any more, and they are not found by their paths. Nothing, if there was no
 * time to ask all servers; as many as there is time for, for to end a probe
 * takes some of it.
 */
static void tidy(struct tls_files *t)
{
	int servers = t->pins->map[MAP_MAIL_PROCS];
	__u32 pid, *prev = NULL;

	for (size_t i = 0; i < t->n; i++)
		t->list[i].used = is_there(&t->list[i]);
	while (!bpf_map_get_next_key(servers, prev, &pid)) {
		each_file(t, pid, mark, NULL);
		prev = &pid;
	}
	for (size_t i = t->n; may_read(t) && i-- > 0;)
		if (!t->list[i].used)
			drop(t, &t->list[i]);
}

/* Files without probes are the first to go: they can be read again. */
static bool make_room(struct tls_files *t)
{
	uint64_t now = clock_monotonic_usec();

	for (size_t i = 0; t->n == TLS_FILES_MAX && i < t->n; i++)
		if (!t->list[i].probes.n)
			drop(t, &t->list[i]);
	if (t->n == TLS_FILES_MAX && now - t->tidied >= PERIOD_USEC) {
		t->tidied = now;
		tidy(t);
	}
	t->full = t->n == TLS_FILES_MAX;
	return !t->full;
}

/*
 * Probes an open file, lasting or of a process in `home`. 1: it is new, and
 * probed now. 0: it was. -errno.
 */
static int add_open(struct tls_files *t, int fd, const char *name, bool lasting,
		    ino_t home)
{
	struct tls_file *f,
		like = { .lasting = lasting, .home = home, .fd = -1 };
	int err = identify(fd, &like);

	if (err)
		return err;
	f = find_file(t, &like);
	if (f) {
		f->lasting |= lasting;
		if (!home)
			f->home = 0;
		return f->probes.n ? 0 : -ENOENT;
	}
	if (!make_room(t))
		return -ENOSPC;
	f = &t->list[t->n++];
	*f = like;
	snprintf(f->path, sizeof(f->path), "%s", name);
	err = probe(t, f, fd);
	return err ? err : 1;
}

int tls_files_add(struct tls_files *t, const char *path)
{
	int fd = confined_path(path), ret;

	if (fd < 0)
		return fd;
	begin_look(t);
	ret = add_open(t, fd, path, true, 0);
	close(fd);
	return ret < 0 ? ret : 0;
}

struct look {
	struct tls_files *files;
	ino_t home;
	int new;
	bool known;
};

static void add_mapped(struct tls_files *t, int fd, const char *name, void *ctx)
{
	struct look *l = ctx;
	int ret = add_open(t, fd, name, false, l->home);

	l->new += ret == 1;
	l->known |= ret >= 0;
}

/* Not mapped yet: it does not tell that the process is known. */
static void add_below(int fd, const char *name, void *ctx)
{
	struct look *l = ctx;

	if (may_read(l->files))
		l->new += add_open(l->files, fd, name, false, l->home) == 1;
}

/* Looks below a container's root, once, or again if there was too little time. */
static void look_below(struct tls_files *t, pid_t pid, struct look *l)
{
	struct tls_home *home = tls_homes_find(&t->homes, l->home);

	if (!home || !home->late)
		return;
	tls_root_each(pid, add_below, l);
	home->late = may_read(t) ? 0 : pid;
}

int tls_files_look(struct tls_files *t, pid_t pid, bool *known)
{
	struct look l = { .files = t, .home = tls_home_of(&t->homes, pid) };
	uint64_t start = begin_look(t);

	*known = false;
	if (l.home && tls_homes_add(&t->homes, l.home, pid) == -ESRCH)
		return 0; /* it has ended */
	look_below(t, pid, &l);
	each_file(t, pid, add_mapped, &l);
	t->spent += clock_monotonic_usec() - start;
	*known = l.known;
	return l.new;
}

int tls_files_late(struct tls_files *t)
{
	bool known;
	int new = 0;

	for (size_t i = 0; i < t->homes.n; i++)
		if (t->homes.list[i].late)
			new += tls_files_look(t, t->homes.list[i].late, &known);
	return new;
}

int tls_files_ended(struct tls_files *t)
{
	size_t before = t->n;
	ino_t home;

	while ((home = tls_homes_ended(&t->homes)))
		for (size_t i = t->n; i-- > 0;)
			if (t->list[i].home == home && !t->list[i].lasting)
				drop(t, &t->list[i]);
	return before - t->n;
}

void tls_files_close(struct tls_files *t)
{
	tls_homes_close(&t->homes);
	for (size_t i = 0; i < t->n; i++) {
		struct tls_file *f = &t->list[i];

		tls_trial_end(&f->move, t->skel);
		tls_probes_close(&f->behind);
		tls_probes_close(&f->probes);
		if (f->fd >= 0)
			close(f->fd);
	}
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_files.h"

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
#include "sys/confined.h"
#include "tls/tls_library.h"
#include "tls/tls_maps.h"

#define LINE_SIZE (73 + 4096 + 64) /* of /proc/PID/maps; others are skipped */
#define READ_MSEC 2000 /* for one file */
/*
 * The event loop spends this share of its time on the files of processes, which
 * may make it wait: what is left is read in the next period.
 */
#define PERIOD_USEC 10000000
#define SHARE_USEC 2000000

static struct tls_file *find_file(struct tls_files *t,
				  const struct tls_file *like)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].dev == like->dev &&
		    t->list[i].ino == like->ino &&
		    !memcmp(&t->list[i].changed, &like->changed,
			    sizeof(like->changed)))
			return &t->list[i];
	return NULL;
}

static void begin_look(struct tls_files *t, uint64_t now)
{
	if (now - t->period >= PERIOD_USEC) {
		t->period = now;
		t->spent = 0;
	}
	t->deadline = now;
	if (t->spent < SHARE_USEC)
		t->deadline += SHARE_USEC - t->spent;
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

void tls_files_pin(struct tls_files *t, int link)
{
	int err = tls_pin(t->pins->dir, t->pins->generation, link);

	if (err)
		t->pin_error = err;
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
	return tls_library_read(fd, size, lib);
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
	err = tls_probes_put(&f->probes, t->skel, path, &lib,
			     lib.id ? lib.id : id_of(f),
			     settings_now(t->pins)->users & USERS_TLS);
	if (err)
		t->probe_error = err;
	for (size_t i = 0; !err && i < f->probes.n; i++)
		tls_files_pin(t, f->probes.links[i]);
	return err;
}

static int add_open(struct tls_files *t, int fd, const char *name, bool *known)
{
	struct tls_file *f, like = {};
	int err = identify(fd, &like);

	if (err)
		return err;
	f = find_file(t, &like);
	if (f || t->n == TLS_FILES_MAX) {
		*known |= f && f->probes.n;
		return 0;
	}
	f = &t->list[t->n++];
	*f = like;
	snprintf(f->path, sizeof(f->path), "%s", name);
	err = probe(t, f, fd);
	*known |= !err;
	return err ? err : 1;
}

int tls_files_add(struct tls_files *t, const char *path, const char *name,
		  bool *known)
{
	int fd = confined_path(path), ret;

	if (fd < 0)
		return fd;
	ret = add_open(t, fd, name, known);
	close(fd);
	return ret;
}

static bool is_library(const char *name)
{
	const char *base = strrchr(name, '/');

	return base && (!strncmp(base, "/libssl.so", 10) ||
			!strncmp(base, "/libssl-", 8) ||
			!strncmp(base, "/libgnutls.so", 13));
}

/*
 * The links in /proc/PID/map_files reach deleted files and those of other mount
 * namespaces.
 */
static int look_at_maps(struct tls_files *t, pid_t pid, FILE *maps, bool *known)
{
	char line[LINE_SIZE], path[64];
	struct mapping m;
	int new = 0;

	while (may_read(t) && mapping_line(maps, line, sizeof(line))) {
		if (!mapping_parse(line, &m) || !m.executable ||
		    !is_library(m.name))
			continue;
		snprintf(path, sizeof(path),
			 "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, m.from,
			 m.to);
		new += tls_files_add(t, path, m.name, known) == 1;
	}
	return new;
}

int tls_files_look(struct tls_files *t, pid_t pid, bool *known)
{
	char path[64], name[TLS_PATH_SIZE] = "";
	FILE *maps;
	uint64_t start = clock_monotonic_usec();
	ssize_t n;
	int new;

	*known = false;
	begin_look(t, start);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return 0;
	new = look_at_maps(t, pid, maps, known);
	fclose(maps);
	/* The program itself may have the library built in. */
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, name, sizeof(name) - 1);
	if (n > 0 && may_read(t))
		new += tls_files_add(t, path, name, known) == 1;
	t->spent += clock_monotonic_usec() - start;
	return new;
}

void tls_files_close(struct tls_files *t)
{
	for (size_t i = 0; i < t->n; i++)
		tls_probes_close(&t->list[i].probes);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "activity.h"
#include "base/file.h"
#include "base/output.h"
#include "maps/generation.h"
#include "maps/layout_map.h"
#include "maps/pins_owner.h"
#include "settings.h"
#include "sys/daemon_user.h"
#include "tell/journal.h"

#define BPFFS "/sys/fs/bpf"
/* A starting daemon waits so long for the shared locks of commands. */
#define LOCK_TRIES 20
#define LOCK_WAIT_USEC 50000

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* Makes a folder and those above it. -EINVAL if it is not on a bpffs. */
static int make_dirs(const char *dir)
{
	char path[PATH_MAX];
	size_t n = strlen(dir);
	struct stat st;

	if (n >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir, n + 1);
	for (char *p = path + 1; p <= path + n; p++) {
		char c = *p, *slash;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		/* not by access(), which forgets the user's capabilities */
		if (stat(path, &st)) {
			slash = strrchr(path, '/');
			*slash = '\0';
			if (!is_bpffs(slash > path ? path : "/"))
				return -EINVAL;
			*slash = '/';
			if (mkdir(path, 0700) && errno != EEXIST)
				return -errno;
		}
		*p = c;
	}
	return is_bpffs(dir) ? 0 : -EINVAL;
}

int pins_make_dir(const char *dir)
{
	char links[PATH_MAX];
	int err;

	if (*dir != '/') {
		fail("--pin %s: not an absolute path", dir);
		return -EINVAL;
	}
	if (!strncmp(dir, BPFFS "/", strlen(BPFFS "/")) && !is_bpffs(BPFFS) &&
	    mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700")) {
		err = -errno;
		fail("cannot mount bpffs at " BPFFS
		     ": %s (needs root, or CAP_SYS_ADMIN in a container)",
		     strerror(-err));
		return err;
	}
	err = make_dirs(dir);
	if (!err && pins_check_owner(dir))
		return pins_complain_owner(dir);
	if (!err)
		err = file_path(links, sizeof(links), dir, "links");
	if (!err)
		err = make_dirs(links);
	if (err == -EINVAL)
		fail("--pin %s: not on a bpffs; choose a folder below " BPFFS
		     ", or mount one there: mount -t bpf bpf DIR",
		     dir);
	else if (err == -EPERM && strchr(dir, '.'))
		fail("--pin %s: a bpffs takes no dots in names", dir);
	else if (err)
		fail("cannot make the folder %s: %s%s", dir, strerror(-err),
		     err == -EACCES ?
			     "; as root, smtpxdp run --prepare makes it "
			     "and gives it to the user " DAEMON_USER :
			     "");
	return err;
}

/*
 * The folder itself may be in one that is not ours, or be where the unit's
 * sandbox begins.
 */
static bool is_left(int err)
{
	return err == -EACCES || err == -EROFS || err == -EBUSY;
}

int pins_remove_dir(const char *dir)
{
	char links[PATH_MAX];
	int err = file_path(links, sizeof(links), dir, "links");

	if (!err)
		err = file_remove_folder(links);
	if (!err || err == -ENOENT)
		err = generation_remove_all(dir);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = file_remove_folder(dir);
	return err == -ENOENT || is_left(err) ? 0 : err;
}

static int share(int map, size_t size, void *memory)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	*(void **)memory = m == MAP_FAILED ? NULL : m;
	return m == MAP_FAILED ? -errno : 0;
}

static int share_maps(struct pins *p)
{
	int err = share(p->map[MAP_SETTINGS], sizeof(*p->slots), &p->slots);

	if (err)
		return err;
	err = share(p->map[MAP_ACTIVITY], sizeof(*p->activity), &p->activity);
	if (!err)
		journal_told = p->activity->told;
	if (!err)
		err = ban_map_open(&p->bans, p->map[MAP_BANS],
				   p->map[MAP_BAN_INFOS]);
	return err == -EINVAL ? -EPROTO : err; /* of another version */
}

static int open_pin(const struct pins *p, const char *name)
{
	char path[PATH_MAX];
	int err = generation_path(path, sizeof(path), p->dir, p->generation,
				  name);

	if (err)
		return err;
	err = bpf_obj_get(path);
	return err < 0 ? -errno : err;
}

bool pins_exist(const char *dir)
{
	/* EACCES counts as existing. */
	return generation_current(dir) != -ENOENT;
}

static int open_all(struct pins *p, const char *dir, int generation)
{
	int fd = generation;

	memset(p, 0, sizeof(*p));
	memset(p->map, -1, sizeof(p->map));
	memset(p->prog, -1, sizeof(p->prog));
	p->dir = dir;
	p->generation = generation;
	changes_init(&p->changes);
	for (int i = 0; i < MAPS_MAX && fd >= 0; i++) {
		fd = p->map[i] = open_pin(p, map_names[i]);
		if (fd == -ENOENT && i >= MAPS_NEEDED)
			fd = 0;
	}
	for (int i = 0; i < PROGS_MAX && fd >= 0; i++) {
		fd = p->prog[i] = open_pin(p, prog_names[i]);
		if (fd == -ENOENT && i >= PROGS_NEEDED)
			fd = 0;
	}
	if (fd >= 0)
		fd = share_maps(p);
	if (fd < 0)
		pins_close(p);
	return fd < 0 ? fd : 0;
}

static int complain(const char *dir, int err)
{
	if (err == -ENOENT)
		fail("nothing is loaded at %s: start the daemon (smtpxdp run), "
		     "or name its folder with --pin",
		     dir);
	else if (err == -EXDEV)
		pins_complain_owner(dir);
	else if (err == -EPERM || err == -EACCES)
		fail("cannot open the maps at %s: %s (are you root?)", dir,
		     strerror(-err));
	else if (err == -EPROTO)
		fail("the maps at %s are those of another version of smtpxdp: "
		     "restart the daemon, and it takes them over",
		     dir);
	else if (err)
		fail("cannot open the maps at %s: %s", dir, strerror(-err));
	return err;
}

/*
 * A starting daemon may put another generation in force at any time, and then
 * remove this one: so try again with the new one.
 */
int pins_try_open(struct pins *p, const char *dir)
{
	int n = 0, before, err = pins_check_owner(dir);

	if (err)
		return err;
	do {
		before = n;
		n = generation_current(dir);
		err = open_all(p, dir, n);
	} while (err == -ENOENT && n > 0 && n != before);
	return err;
}

int pins_open_generation(struct pins *p, const char *dir, int generation)
{
	return complain(dir, open_all(p, dir, generation));
}

/*
 * After an upgrade of the program, the daemon may still be the former version.
 */
static int check(struct pins *p)
{
	int ours = layout_is_ours(p->dir, p->generation);

	if (ours > 0)
		return 0;
	pins_close(p);
	return ours < 0 ? ours : -EPROTO;
}

int pins_open(struct pins *p, const char *dir)
{
	int err = pins_try_open(p, dir);

	return complain(dir, err ? err : check(p));
}

int pins_of(struct pins *p, const struct bpf_object *obj)
{
	int err;

	memset(p, 0, sizeof(*p));
	changes_init(&p->changes);
	for (int i = 0; i < MAPS_MAX; i++)
		p->map[i] =
			dup(bpf_object__find_map_fd_by_name(obj, map_names[i]));
	for (int i = 0; i < PROGS_MAX; i++)
		p->prog[i] = dup(bpf_program__fd(
			bpf_object__find_program_by_name(obj, prog_names[i])));
	err = share_maps(p);
	if (err)
		pins_close(p);
	return err;
}

void pins_close(struct pins *p)
{
	if (p->slots)
		munmap(p->slots, sizeof(*p->slots));
	if (p->activity)
		munmap(p->activity, sizeof(*p->activity));
	p->slots = NULL;
	p->activity = NULL;
	journal_told = NULL;
	ban_map_close(&p->bans);
	for (int i = 0; i < MAPS_MAX; i++)
		if (p->map[i] >= 0)
			close(p->map[i]);
	for (int i = 0; i < PROGS_MAX; i++)
		if (p->prog[i] >= 0)
			close(p->prog[i]);
	memset(p->map, -1, sizeof(p->map));
	memset(p->prog, -1, sizeof(p->prog));
	changes_free(&p->changes);
}

int pins_lock_daemon(const char *dir)
{
	int fd = -EWOULDBLOCK;

	/*
	 * A command that asks whether a daemon lives holds the lock for a
	 * moment.
	 */
	for (int i = 0; i < LOCK_TRIES && fd == -EWOULDBLOCK; i++) {
		if (i)
			usleep(LOCK_WAIT_USEC);
		fd = file_lock_folder(dir, LOCK_EX | LOCK_NB);
	}
	return fd;
}

bool pins_daemon_alive(const char *dir)
{
	int fd = file_lock_folder(dir, LOCK_SH | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return fd == -EWOULDBLOCK;
}

static int lock_links(const char *dir, int operation)
{
	char path[PATH_MAX];
	int err = file_path(path, sizeof(path), dir, "links");

	return err ? err : file_lock_folder(path, operation);
}

int pins_lock_writer(const char *dir)
{
	return lock_links(dir, LOCK_EX);
}

int pins_open_locked(struct pins *p, const char *dir)
{
	int lock = pins_lock_writer(dir), err;

	err = lock < 0 ? complain(dir, lock) : pins_open(p, dir);
	if (!err)
		return lock;
	pins_unlock(lock);
	return err;
}

int pins_try_lock_writer(const char *dir)
{
	return lock_links(dir, LOCK_EX | LOCK_NB);
}

void pins_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

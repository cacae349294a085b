// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/pins_owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/output.h"
#include "sys/daemon_user.h"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static bool is_trusted(uid_t owner)
{
	uid_t uid;
	gid_t gid;

	return !owner || owner == geteuid() ||
	       (!daemon_user(&uid, &gid) && owner == uid);
}

/*
 * Can nobody but those whom we trust put something in place of what is in this
 * folder? Above ours, a sticky one is as good: a bpffs is one, unless mounted
 * otherwise.
 */
static bool is_safe(const char *path, bool above)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode) &&
	       is_trusted(st.st_uid) &&
	       (!(st.st_mode & 022) || (above && st.st_mode & S_ISVTX));
}

/* Leaves the folder that is not safe in `unsafe`. */
static int check(const char *dir, char unsafe[static PATH_MAX])
{
	size_t n = strlen(dir);

	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(unsafe, dir, n + 1);
	for (bool above = false; is_bpffs(unsafe); above = true) {
		while (n && unsafe[n - 1] == '/')
			unsafe[--n] = '\0';
		if (!is_safe(unsafe, above))
			return -EXDEV;
		while (n && unsafe[n - 1] != '/')
			unsafe[--n] = '\0';
	}
	return 0;
}

int pins_check_owner(const char *dir)
{
	char unsafe[PATH_MAX];

	return check(dir, unsafe);
}

int pins_complain_owner(const char *dir)
{
	char unsafe[PATH_MAX];
	int err = check(dir, unsafe);

	if (err)
		fail("--pin %s: %s does not belong to root, to the "
		     "user " DAEMON_USER
		     " or to you alone: somebody else could "
		     "put maps there. Remove it, or name another folder",
		     dir, unsafe);
	return err;
}

struct gift {
	uid_t uid;
	gid_t gid;
};

/*
 * What is not root's alone stays as it is: by hard links, the folder's owner
 * might have others' files there.
 */
static int give_one(int folder, const char *name, const struct gift *to)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (st.st_uid || (!S_ISDIR(st.st_mode) && st.st_nlink != 1))
		return 0;
	return fchownat(folder, name, to->uid, to->gid, AT_SYMLINK_NOFOLLOW) ?
		       -errno :
		       0;
}

/* Gives what is in a folder, and in the folders there; takes over its fd. */
static int give_content(int fd, const struct gift *to, bool deeper)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	int err = 0, sub;

	if (!d) {
		close(fd);
		return -errno;
	}
	while (!err && (entry = readdir(d))) {
		if (*entry->d_name == '.')
			continue;
		err = give_one(fd, entry->d_name, to);
		sub = deeper ? openat(fd, entry->d_name,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					      O_CLOEXEC) :
			       -1;
		if (!err && sub >= 0)
			err = give_content(sub, to, false);
	}
	closedir(d);
	return err;
}

int pins_give(const char *dir)
{
	struct gift to;
	int err = daemon_user(&to.uid, &to.gid), fd;

	if (err == -ENOENT)
		fail("there is no user " DAEMON_USER
		     ": make it, by systemd-sysusers or useradd "
		     "--system " DAEMON_USER);
	if (err)
		return err;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	err = fd < 0 ? -errno : give_one(AT_FDCWD, dir, &to);
	if (!err)
		err = give_content(fd, &to, true);
	return err ? fail("cannot give %s to the user " DAEMON_USER ": %s", dir,
			  strerror(-err)) :
		     0;
}

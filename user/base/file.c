// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644

int file_path(char *buf, size_t size, const char *folder, const char *name)
{
	int n = snprintf(buf, size, "%s/%s", folder, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int file_lock_folder(const char *folder, int operation)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, operation))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int file_remove_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	int err = 0;

	if (!d)
		return -errno;
	while ((entry = readdir(d)))
		if (*entry->d_name != '.' &&
		    unlinkat(dirfd(d), entry->d_name, 0))
			err = -errno;
	closedir(d);
	if (!err && rmdir(folder))
		err = -errno;
	return err;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0)
			return -errno;
		text += n;
		left -= n;
	}
	return fsync(fd) ? -errno : 0;
}

int file_replace(const char *path, const char *text)
{
	char temp[PATH_MAX + 16];
	struct stat st;
	int fd, err = 0;

	if (stat(path, &st))
		st = (struct stat){ .st_mode = S_IFREG | FILE_MODE,
				    .st_uid = geteuid(),
				    .st_gid = getegid() };
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, st.st_uid, st.st_gid) || fchmod(fd, st.st_mode & 07777))
		err = -errno;
	if (!err)
		err = write_all(fd, text);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err)
		unlink(temp);
	return err;
}

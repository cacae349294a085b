// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/generation.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PREFIX "gen-"

/* Returns the number in a folder's name, or -1. */
static int number_of(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, PREFIX, strlen(PREFIX)))
		return -1;
	n = strtol(name + strlen(PREFIX), &end, 10);
	return *end || n < 1 || n > INT_MAX ? -1 : n;
}

int generation_path(char *buf, size_t size, const char *dir, int n,
		    const char *name)
{
	int len = snprintf(buf, size, "%s/" PREFIX "%d%s%s", dir, n,
			   name ? "/" : "", name ? name : "");

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int generation_current(const char *dir)
{
	char path[PATH_MAX], to[32];
	int err = file_path(path, sizeof(path), dir, "current");
	ssize_t n;

	if (err)
		return err;
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	to[n] = '\0';
	n = number_of(to);
	return n < 0 ? -EINVAL : n;
}

int generation_before(const char *dir, int n)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int best = -ENOENT;

	if (!d)
		return -errno;
	while ((entry = readdir(d))) {
		int k = number_of(entry->d_name);

		if (k > 0 && k < n && k > best)
			best = k;
	}
	closedir(d);
	return best;
}

int generation_make(const char *dir)
{
	int now = generation_current(dir), n = now > 0 ? now + 1 : 1, err;
	char path[PATH_MAX];

	if (now < 0 && now != -ENOENT)
		return now;
	while ((err = generation_before(dir, INT_MAX)) >= n)
		if ((err = generation_remove(dir, err)))
			return err;
	err = generation_path(path, sizeof(path), dir, n, NULL);
	if (err)
		return err;
	return mkdir(path, 0700) ? -errno : n;
}

int generation_switch(const char *dir, int n)
{
	char name[32], next[PATH_MAX], path[PATH_MAX];
	int err = file_path(next, sizeof(next), dir, "next");

	if (!err)
		err = file_path(path, sizeof(path), dir, "current");
	if (err)
		return err;
	snprintf(name, sizeof(name), PREFIX "%d", n);
	if (unlink(next) && errno != ENOENT)
		return -errno;
	return symlink(name, next) || rename(next, path) ? -errno : 0;
}

int generation_remove(const char *dir, int n)
{
	char path[PATH_MAX];
	int err = generation_path(path, sizeof(path), dir, n, NULL);

	return err ? err : file_remove_folder(path);
}

int generation_remove_all(const char *dir)
{
	static const char *const links[] = { "current", "next" };
	char path[PATH_MAX];
	int n, err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		err = file_path(path, sizeof(path), dir, links[i]);
		if (!err && unlink(path) && errno != ENOENT)
			err = -errno;
	}
	while (!err && (n = generation_before(dir, INT_MAX)) > 0)
		err = generation_remove(dir, n);
	return err;
}

int generation_unpin_links(const char *dir, const char *pattern, int numbers,
			   int but)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = file_path(path, sizeof(path), dir, "links");
	DIR *links = err ? NULL : opendir(path);

	if (!links)
		return err ? err : -errno;
	while ((entry = readdir(links))) {
		int generation, second;

		if (sscanf(entry->d_name, pattern, &generation, &second) ==
			    numbers &&
		    generation != but &&
		    unlinkat(dirfd(links), entry->d_name, 0))
			err = -errno;
	}
	closedir(links);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define NAME "tls-%d-%u"

int tls_pin(const char *dir, int generation, int link)
{
	static unsigned int n;
	char name[64], path[PATH_MAX];
	int err;

	snprintf(name, sizeof(name), "links/" NAME, generation, n++);
	err = file_path(path, sizeof(path), dir, name);
	return err || !bpf_obj_pin(link, path) ? err : -errno;
}

int tls_unpin(const char *dir, int but)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = file_path(path, sizeof(path), dir, "links");
	DIR *links = err ? NULL : opendir(path);

	if (!links)
		return err ? err : -errno;
	while ((entry = readdir(links))) {
		unsigned int n;
		int generation;

		if (sscanf(entry->d_name, NAME, &generation, &n) == 2 &&
		    generation != but &&
		    unlinkat(dirfd(links), entry->d_name, 0))
			err = -errno;
	}
	closedir(links);
	return err;
}

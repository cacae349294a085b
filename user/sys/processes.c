// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/processes.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int processes_each(int (*fn)(pid_t pid, void *ctx), void *ctx)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int ret = 0;

	if (!proc)
		return -errno;
	while (!ret && (d = readdir(proc)))
		if (*d->d_name >= '1' && *d->d_name <= '9')
			ret = fn(atoi(d->d_name), ctx);
	closedir(proc);
	return ret;
}

ino_t process_ns(pid_t pid, const char *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return stat(path, &st) ? 0 : st.st_ino;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* proc(5): the name may hold anything, and ends at the last bracket. */
uint64_t process_began(pid_t pid)
{
	char path[64], line[1024] = "", *at;
	unsigned long long ticks = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	fclose(f);
	return ticks * (1000000000ULL / sysconf(_SC_CLK_TCK));
}

bool process_netns_is_ours(pid_t pid)
{
	ino_t ours = process_ns(getpid(), "user");
	int net, owner = -1;
	struct stat st = {};
	char path[64];
	bool same;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	net = open(path, O_RDONLY | O_CLOEXEC);
	if (net >= 0)
		owner = ioctl(net, NS_GET_USERNS);
	same = owner >= 0 && !fstat(owner, &st) && ours && st.st_ino == ours;
	if (owner >= 0)
		close(owner);
	if (net >= 0)
		close(net);
	return same;
}

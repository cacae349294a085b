// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/proc_maps.h"

#define LINE_SIZE 8192 /* of /proc/PID/mountinfo; others are skipped */

/* Debian's folder for libraries of this architecture. */
#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define MULTIARCH "aarch64-linux-gnu"
#elif defined(__riscv)
#define MULTIARCH "riscv64-linux-gnu"
#elif defined(__s390x__)
#define MULTIARCH "s390x-linux-gnu"
#elif defined(__powerpc64__)
#define MULTIARCH "powerpc64le-linux-gnu"
#endif

/* "36 35 98:0 /root / rw,noatime master:1 - ext3 /dev/root rw" */
static const char *type_of_root(const char *line)
{
	for (int field = 0; field < 4; field++) {
		line = strchr(line, ' ');
		if (!line)
			return NULL;
		line++;
	}
	line = strncmp(line, "/ ", 2) ? NULL : strstr(line, " - ");
	return line ? line + 3 : NULL;
}

/* Is the root of the process a file system that the kernel itself serves? */
static bool root_is_local(pid_t pid)
{
	char path[64], line[LINE_SIZE];
	bool local = false;
	const char *type;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (mapping_line(f, line, sizeof(line))) {
		type = type_of_root(line);
		if (type) /* a later one lies above */
			local = strncmp(type, "fuse", 4) &&
				strncmp(type, "nfs", 3);
	}
	fclose(f);
	return local;
}

static int open_below(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV |
			   RESOLVE_NO_MAGICLINKS,
	};

	return syscall(__NR_openat2, root, path, &how, sizeof(how));
}

void tls_root_each(pid_t pid, tls_root_fn fn, void *ctx)
{
	static const char *const folders[] = { ("/usr/lib/" MULTIARCH),
					       "/usr/lib64", "/usr/lib",
					       "/lib" };
	static const char *const names[] = { "libssl.so.3", "libssl.so.1.1",
					     "libgnutls.so.30" };
	char path[64];
	int root, fd;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = root_is_local(pid) ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (root < 0)
		return;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
			snprintf(path, sizeof(path), "%s/%s", folders[i],
				 names[k]);
			fd = open_below(root, path);
			if (fd < 0)
				continue;
			fn(fd, path, ctx);
			close(fd);
		}
	}
	close(root);
}

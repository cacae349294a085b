// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/capability.h"
#include "sys/proc_maps.h"

#define CALLS_MAX 64
#define FIRST_CALL 4 /* instructions before those of the calls */

int confine_files(int first, int second)
{
	/* each above the places of both, so that neither is overwritten */
	int a = fcntl(first, F_DUPFD_CLOEXEC, CONFINE_SECOND + 1);
	int b = fcntl(second, F_DUPFD_CLOEXEC, CONFINE_SECOND + 1);

	if (a < 0 || b < 0 || dup2(a, CONFINE_FIRST) < 0 ||
	    dup2(b, CONFINE_SECOND) < 0 ||
	    syscall(__NR_close_range, CONFINE_SECOND + 1, ~0U, 0) ||
	    syscall(__NR_close_range, 0, CONFINE_FIRST - 1, 0))
		return -errno;
	return 0;
}

int confine_named(int keep)
{
	static const char nameless[] = "anon_inode:";
	DIR *fds = opendir("/proc/self/fd");
	char target[sizeof(nameless)];
	struct dirent *d;
	int fd;

	if (!fds)
		return -errno;
	while ((d = readdir(fds))) {
		fd = atoi(d->d_name);
		if (*d->d_name == '.' || fd == keep || fd == dirfd(fds) ||
		    (readlinkat(dirfd(fds), d->d_name, target,
				sizeof(target)) == sizeof(target) &&
		     !memcmp(target, nameless, sizeof(nameless) - 1)))
			continue;
		close(fd);
	}
	closedir(fds);
	return 0;
}

int confine_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	struct mapping m;
	int err = 0;

	if (!maps)
		return -errno;
	while (mapping_line(maps, line, sizeof(line)))
		if (mapping_parse(line, &m) && m.shared &&
		    munmap((void *)(uintptr_t)m.from, m.to - m.from))
			err = -errno;
	fclose(maps);
	return err;
}

/* Numbers of system calls mean others in an architecture's other ABI. */
#if defined(__x86_64__)
#define OUR_ABI AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ABI AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define OUR_ABI AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define OUR_ABI AUDIT_ARCH_S390X
#elif defined(__powerpc64__)
#define OUR_ABI AUDIT_ARCH_PPC64LE
#endif

/* Where the lower half of the first argument is. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FAMILY_AT offsetof(struct seccomp_data, args[0])
#else
#define FAMILY_AT (offsetof(struct seccomp_data, args[0]) + 4)
#endif

static int filter_calls(const int *calls, size_t n)
{
	struct sock_filter code[FIRST_CALL + 2 * CALLS_MAX + 1] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ABI, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
	};
	struct sock_filter *next = code + FIRST_CALL;
	struct sock_fprog program = { .filter = code };

	if (n > CALLS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		*next++ = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (__u32)calls[i], 0, 1);
		*next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						       SECCOMP_RET_ALLOW);
	}
	*next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					       SECCOMP_RET_ERRNO | EPERM);
	program.len = next - code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

/* Other ABIs' numbers of socket(2) are left to confine_rights(). */
int confine_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FAMILY_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code),
				      .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

int confine_rights(const int *calls, size_t n)
{
	int err = capability_drop_all();

	return err ? err : filter_calls(calls, n);
}

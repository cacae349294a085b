// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/proc_maps.h"

/* Where the child has its two descriptors. */
#define CHILD_PATH 3
#define CHILD_PIPE 4
#define MEMORY_MAX (512UL << 20)
#define CPU_SECONDS 5

struct message {
	int err;
	char result[CONFINED_RESULT_MAX];
};

int confined_path(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
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

/* What reading, memory and the answer take; all else is refused. */
static int filter_calls(void)
{
#define ALLOW(name)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ABI, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		ALLOW(pread64),
		ALLOW(write),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(brk),
		ALLOW(mremap),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
#undef ALLOW
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code),
		.filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

/*
 * The unit's filter of system calls may refuse limits: then the time of the
 * parent and the bounds of the parser are what is left.
 */
static void limit(int what, rlim_t most)
{
	setrlimit(what, &(struct rlimit){ most, most });
}

static int open_regular(uint64_t *file_size)
{
	char name[32];
	struct statfs fs;
	struct stat st;
	int fd;

	if (fstat(CHILD_PATH, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*file_size = st.st_size;
	if (fstatfs(CHILD_PATH, &fs))
		return -errno;
	if (fs.f_type == FUSE_SUPER_MAGIC)
		return -ENOTSUP;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", CHILD_PATH);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Keeps two descriptors: no lock of the parent's is held by its child. */
static int keep_two(int path_fd, int pipe_fd)
{
	/* each above the places of both, so that neither is overwritten */
	int a = fcntl(path_fd, F_DUPFD_CLOEXEC, CHILD_PIPE + 1);
	int b = fcntl(pipe_fd, F_DUPFD_CLOEXEC, CHILD_PIPE + 1);

	if (a < 0 || b < 0 || dup2(a, CHILD_PATH) < 0 ||
	    dup2(b, CHILD_PIPE) < 0 ||
	    syscall(__NR_close_range, CHILD_PIPE + 1, ~0U, 0) ||
	    syscall(__NR_close_range, 0, CHILD_PATH - 1, 0))
		return -errno;
	return 0;
}

/*
 * Memory that is shared with the kernel, or with files, as maps are: who takes
 * over the parser must not reach it.
 */
static int drop_shared(void)
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

static int work(int path_fd, int pipe_fd, confined_fn fn, void *result)
{
	int err = keep_two(path_fd, pipe_fd), fd;
	uint64_t file_size = 0;

	if (err)
		return err;
	fd = open_regular(&file_size);
	if (fd < 0)
		return fd;
	err = drop_shared();
	if (err)
		return err;
	limit(RLIMIT_DATA, MEMORY_MAX);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	err = drop_capabilities();
	if (!err)
		err = filter_calls();
	return err ? err : fn(fd, file_size, result);
}

static _Noreturn void child(int path_fd, int pipe_fd, confined_fn fn,
			    size_t size)
{
	struct message m = {};
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	m.err = work(path_fd, pipe_fd, fn, m.result);
	n = write(CHILD_PIPE, &m, offsetof(struct message, result) + size);
	_exit(n < 0);
}

/*
 * Waits for the child's answer, or its end, or the end of its time: then it
 * still has the pipe, and so its pid. After an answer it ends by itself.
 */
static int answer(int pid, int pipe_fd, void *result, size_t size, int msec)
{
	uint64_t end = clock_monotonic_usec() + msec * 1000ULL, now;
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };
	struct message m;
	ssize_t n = 0;

	while ((now = clock_monotonic_usec()) < end &&
	       !(n = poll(&p, 1, (end - now) / 1000 + 1)))
		;
	if (n <= 0) {
		kill(pid, SIGKILL);
		return -ETIMEDOUT;
	}
	n = read(pipe_fd, &m, sizeof(m));
	if (n != (ssize_t)(offsetof(struct message, result) + size))
		return -EPROTO;
	memcpy(result, m.result, size);
	return m.err;
}

int confined_read(int path_fd, confined_fn fn, void *result, size_t size,
		  int msec)
{
	int pipe_fd[2], pid, err;

	if (size > CONFINED_RESULT_MAX)
		return -EINVAL;
	/* Nobody waits for a child that hangs in the kernel, dead or not. */
	signal(SIGCHLD, SIG_IGN);
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(path_fd, pipe_fd[1], fn, size);
	err = pid < 0 ? -errno : 0;
	close(pipe_fd[1]);
	if (!err)
		err = answer(pid, pipe_fd[0], result, size, msec);
	close(pipe_fd[0]);
	return err;
}

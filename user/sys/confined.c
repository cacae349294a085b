// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/child.h"
#include "sys/confine.h"

/* Where the child has its two descriptors. */
#define CHILD_PATH CONFINE_FIRST
#define CHILD_PIPE CONFINE_SECOND
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

static int work(int path_fd, int pipe_fd, confined_fn fn, void *result)
{
	/* What reading, memory and the answer take. */
	static const int calls[] = { __NR_pread64,   __NR_write, __NR_mmap,
				     __NR_munmap,    __NR_brk,	 __NR_mremap,
				     __NR_exit_group };
	int err = confine_files(path_fd, pipe_fd), fd;
	uint64_t file_size = 0;

	if (err)
		return err;
	fd = open_regular(&file_size);
	if (fd < 0)
		return fd;
	err = confine_memory();
	if (err)
		return err;
	limit(RLIMIT_DATA, MEMORY_MAX);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_SECONDS);
	err = confine_rights(calls, sizeof(calls) / sizeof(*calls));
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
	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = child_fork(pipe_fd);
	if (!pid)
		child(path_fd, pipe_fd[1], fn, size);
	if (pid < 0)
		return pid;
	err = answer(pid, pipe_fd[0], result, size, msec);
	close(pipe_fd[0]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/unprivileged.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/capability.h"

#define NOBODY 65534

static int give_up(void)
{
	if (!geteuid() &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	     setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return capability_drop_all();
}

static _Noreturn void child(void (*fn)(void *result), const char *result,
			    size_t size, int to)
{
	ssize_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (give_up())
		_exit(EXIT_FAILURE);
	/* what the change of the user has cleared */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn((void *)result);
	for (; size && n >= 0; size -= n, result += n)
		n = write(to, result, size);
	_exit(n < 0);
}

static int receive(int from, char *result, size_t size)
{
	while (size) {
		ssize_t n = read(from, result, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPROTO;
		result += n;
		size -= n;
	}
	return 0;
}

int unprivileged_call(void (*fn)(void *result), void *result, size_t size)
{
	int pipe_fd[2], pid, err;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(fn, result, size, pipe_fd[1]);
	err = pid < 0 ? -errno : 0;
	close(pipe_fd[1]);
	if (!err)
		err = receive(pipe_fd[0], result, size);
	close(pipe_fd[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/child.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

int child_fork(const int ends[2])
{
	int pid;

	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (!pid)
		return 0;
	if (pid < 0)
		pid = -errno;
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	return pid;
}

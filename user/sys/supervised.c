// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/supervised.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/capability.h"
#include "sys/child.h"
#include "sys/confine.h"
#include "sys/daemon_user.h"

#define NOTHING CONFINE_FIRST
#define DAEMON CONFINE_SECOND
#define USEC 1000000ULL
#define REAP_MSEC 1000 /* to end what the program has left behind */
#define CANNOT_RUN 127 /* as shells have it */

struct user {
	uid_t uid;
	gid_t gid;
};

/* ---- what the supervisor gives up, and the program with it */

static int become(const struct user *u)
{
	if (!geteuid() &&
	    (setgroups(0, NULL) || setresgid(u->gid, u->gid, u->gid) ||
	     setresuid(u->uid, u->uid, u->uid)))
		return -errno;
	return 0;
}

/* What ends the daemon ends the program by that: the supervisor stays for it. */
static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
}

/* Signals as a program expects to find them. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int prepare(int daemon, const struct user *u)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err = nothing < 0 ? -errno : confine_files(nothing, daemon);

	for (int fd = STDIN_FILENO; !err && fd <= STDERR_FILENO; fd++)
		if (dup2(NOTHING, fd) < 0)
			err = -errno;
	if (!err)
		err = confine_memory();
	if (!err)
		err = become(u);
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     /* what the program leaves behind becomes our child */
		     prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) || chdir("/")))
		err = -errno;
	return err ? err : capability_drop_all();
}

static _Noreturn void run(const struct supervised_program *p, int out)
{
	/* should the supervisor be killed */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	setsid(); /* a process group of its own, and no terminal */
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	syscall(__NR_close_range, NOTHING, ~0U, 0);
	execve(p->argv[0], p->argv, p->env);
	dprintf(STDERR_FILENO, "cannot run it: %s", strerror(errno));
	_exit(CANNOT_RUN);
}

/* ---- its end */

static void kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (f)
		fclose(f);
}

/*
 * Ends the program, its group, and those that have left that; all that is told
 * is how the program itself ended.
 */
static int end_all(int pid)
{
	int status = 0;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	for (int i = 0; i < REAP_MSEC; i++) {
		int other = waitpid(-1, NULL, WNOHANG);

		if (other < 0)
			break;
		if (other)
			continue;
		kill_children();
		poll(NULL, 0, 1);
	}
	return status;
}

/* Reads what there is; what does not fit is lost. False: there will be no more. */
static bool read_output(int fd, struct supervised_end *end)
{
	static char rest[65536];
	bool fits = end->len < sizeof(end->output);
	ssize_t n = fits ? read(fd, end->output + end->len,
				sizeof(end->output) - end->len) :
			   read(fd, rest, sizeof(rest));

	if (fits && n > 0)
		end->len += n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Waits for its end, that of its time, or the daemon's. True: it has ended. */
static bool wait_for(int pidfd, int out, uint32_t seconds,
		     struct supervised_end *end)
{
	uint64_t until = clock_monotonic_usec() + seconds * USEC, now;
	struct pollfd p[] = { { .fd = DAEMON },
			      { .fd = pidfd, .events = POLLIN },
			      { .fd = out, .events = POLLIN } };

	while ((now = clock_monotonic_usec()) < until) {
		if (poll(p, 3, (until - now) / 1000 + 1) <= 0)
			continue;
		if (p[0].revents)
			return false;
		if (p[2].revents && !read_output(out, end))
			p[2].fd = -1;
		if (p[1].revents)
			return true;
	}
	return false;
}

static int supervise(const struct supervised_program *p,
		     struct supervised_end *end)
{
	int out[2], pid, pidfd, status, drained = 0;
	bool ended;

	if (pipe2(out, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK))
		return -errno;
	pid = fork();
	if (!pid)
		run(p, out[1]);
	if (pid < 0)
		return -errno;
	close(out[1]);
	pidfd = syscall(__NR_pidfd_open, pid, 0);
	ended = pidfd < 0 || wait_for(pidfd, out[0], p->seconds, end);
	status = end_all(pid);
	if (pidfd < 0)
		return -ENOSYS;
	/* nobody is left who could write on and on, but the pipe holds much */
	while (drained++ < 256 && end->len < sizeof(end->output) &&
	       read_output(out[0], end))
		;
	end->how = !ended	       ? SUPERVISED_TIMEOUT :
		   WIFSIGNALED(status) ? SUPERVISED_KILLED :
					 SUPERVISED_EXITED;
	end->value =
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static _Noreturn void child(int daemon, const struct user *u,
			    const struct supervised_program *p)
{
	struct supervised_end end = {};
	int err;

	block_signals();
	err = prepare(daemon, u);
	if (!err)
		err = supervise(p, &end);
	if (err) {
		end.how = SUPERVISED_FAILED;
		end.value = -err;
	}
	send(DAEMON, &end, sizeof(end), MSG_NOSIGNAL);
	_exit(EXIT_SUCCESS);
}

/* ---- the daemon's side */

int supervised_start(const struct supervised_program *p)
{
	int ends[2], pid;
	struct user u;

	daemon_runs_as(&u.uid, &u.gid); /* other threads may hold NSS's locks */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = child_fork(ends);
	if (!pid)
		child(ends[1], &u, p);
	return pid < 0 ? pid : ends[0];
}

int supervised_result(int fd, struct supervised_end *end)
{
	return recv(fd, end, sizeof(*end), MSG_DONTWAIT) == sizeof(*end) ?
		       0 :
		       -EPROTO;
}

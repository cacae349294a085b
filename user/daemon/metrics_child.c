// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/metrics_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "daemon/metrics_http.h"
#include "sys/confine.h"

#define LISTENER CONFINE_FIRST
#define DAEMON CONFINE_SECOND
#define PATIENCE_SEC 5
#define TEXT_MAX (64L << 20)

/* What waiting, memory, accepted connections and the daemon's answers take. */
static const int calls[] = {
#ifdef __NR_poll
	__NR_poll,
#endif
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
	__NR_ppoll,	 __NR_epoll_pwait,   __NR_epoll_ctl,
	__NR_accept4,	 __NR_recvfrom,	     __NR_recvmsg,
	__NR_sendto,	 __NR_sendmsg,	     __NR_setsockopt,
	__NR_getsockopt, __NR_shutdown,	     __NR_close,
	__NR_fcntl,	 __NR_clock_gettime, __NR_lseek,
	__NR_pread64,	 __NR_mmap,	     __NR_munmap,
	__NR_mremap,	 __NR_mprotect,	     __NR_brk,
	__NR_madvise,	 __NR_futex,	     __NR_exit_group,
	__NR_getrandom,	 __NR_rt_sigreturn,  __NR_restart_syscall,
};

/* Receives an answer: a file; -ENODATA: without one; -errno. */
static int receive(int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, sizeof(byte) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(DAEMON, &m, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd;

	if (n < 0)
		return -errno;
	if (!n)
		_exit(EXIT_SUCCESS); /* the daemon has ended */
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -ENODATA;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static char *read_text(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size >= 0 && size <= TEXT_MAX ? malloc(size + 1) : NULL;

	if (text && pread(fd, text, size, 0) == size) {
		text[size] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

static const char *ask(void *ctx)
{
	static char *text;
	int fd;

	/* answers that came too late for the requests before */
	while ((fd = receive(MSG_DONTWAIT)) >= 0 || fd == -ENODATA)
		if (fd >= 0)
			close(fd);
	free(text);
	text = NULL;
	if (send(DAEMON, "", 1, MSG_NOSIGNAL) != 1)
		return NULL;
	fd = receive(0);
	if (fd >= 0) {
		text = read_text(fd);
		close(fd);
	}
	return text;
}

static int prepare(int listener, int daemon, struct metrics_http **http)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SEC };
	sigset_t none;
	int err = confine_files(listener, daemon);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!err)
		err = confine_memory();
	if (!err && setsockopt(DAEMON, SOL_SOCKET, SO_RCVTIMEO, &patience,
			       sizeof(patience)))
		err = -errno;
	if (!err)
		err = metrics_http_start(http, LISTENER, ask, NULL);
	if (!err)
		err = confine_rights(calls, sizeof(calls) / sizeof(*calls));
	return err;
}

void metrics_child(int listener, int daemon)
{
	struct metrics_http *http;
	struct pollfd p[2] = { { .fd = DAEMON }, { .events = POLLIN } };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prepare(listener, daemon, &http))
		_exit(EXIT_FAILURE);
	p[1].fd = metrics_http_fd(http);
	while (!(p[0].revents & POLLHUP))
		poll(p, 2, metrics_http_run(http));
	_exit(EXIT_SUCCESS);
}

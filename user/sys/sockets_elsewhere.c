// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/sockets_elsewhere.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "sys/child.h"
#include "sys/confine.h"
#include "sys/processes.h"

#define ALL_MSEC 1000 /* for all of it */

struct walk {
	const ino_t *ns;
	size_t n;
	ends_fn ends;
	void *ctx;
	int pipe;
	int err; /* why the first socket could not be copied */
};

/* What the child tells: of each connection, and at last, once. */
struct ended {
	struct net why;
	int last; /* 1: no more; err is then the result */
	int err;
};

static void tell(const struct walk *w, const struct ended *e)
{
	if (write(w->pipe, e, sizeof(*e)) != sizeof(*e))
		_exit(1);
}

/* AF_INET or AF_INET6: its address and its port. */
static bool end_of(const struct sockaddr_storage *from, struct net *host,
		   __u16 *port)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;
	bool is_v4 = from->ss_family == AF_INET;
	struct addr a;

	if (!is_v4 && from->ss_family != AF_INET6)
		return false;
	*port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
	a = addr_of_family(from->ss_family, is_v4 ? (void *)&v4->sin_addr :
						    (void *)&v6->sin6_addr);
	*host = net_of(&a, ADDR_BITS);
	return true;
}

/* Is it a TCP connection that is to end? */
static bool is_to_end(const struct walk *w, int fd, struct net *why)
{
	struct sockaddr_storage here, there;
	socklen_t len = sizeof(int), n = sizeof(here), k = sizeof(there);
	struct net own, peer;
	__u16 port, far;
	int protocol;

	return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == IPPROTO_TCP &&
	       !getsockname(fd, (struct sockaddr *)&here, &n) &&
	       !getpeername(fd, (struct sockaddr *)&there, &k) &&
	       end_of(&here, &own, &port) && end_of(&there, &peer, &far) &&
	       w->ends(&peer, port, why, w->ctx);
}

/*
 * The peer gets a reset. Some kernels refuse that while a thread waits for what
 * it sends: then that thread finds that it has hung up.
 */
static bool end(int fd)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	return !connect(fd, &none, sizeof(none)) || !shutdown(fd, SHUT_RDWR);
}

/* Copies a descriptor of a process, and ends the connection that it is of. */
static void try_socket(struct walk *w, int pidfd, int number)
{
	int fd = syscall(__NR_pidfd_getfd, pidfd, number, 0);
	struct ended e = {};

	if (fd < 0) {
		if (errno != EBADF && errno != ESRCH && !w->err)
			w->err = errno == EPERM ? -EACCES : -errno;
		return;
	}
	if (is_to_end(w, fd, &e.why) && end(fd))
		tell(w, &e);
	close(fd);
}

static void each_socket(struct walk *w, pid_t pid, int pidfd)
{
	char path[64], target[16];
	struct dirent *d;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	while (fds && (d = readdir(fds)))
		if (readlinkat(dirfd(fds), d->d_name, target, sizeof(target)) >
			    8 &&
		    !memcmp(target, "socket:[", 8))
			try_socket(w, pidfd, atoi(d->d_name));
	if (fds)
		closedir(fds);
}

static int visit(pid_t pid, void *ctx)
{
	struct walk *w = ctx;
	ino_t ns = process_ns(pid, "net");
	int pidfd;

	for (size_t i = 0; ns && i < w->n; i++) {
		if (w->ns[i] != ns)
			continue;
		pidfd = syscall(__NR_pidfd_open, pid, 0);
		if (pidfd < 0)
			break;
		each_socket(w, pid, pidfd);
		close(pidfd);
	}
	return 0;
}

static _Noreturn void child(struct walk *w)
{
	struct ended last = { .last = 1 };
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = confine_named(w->pipe);
	if (!err)
		err = processes_each(visit, w);
	last.err = err ? err : w->err;
	tell(w, &last);
	_exit(0);
}

/* Reads what the child tells, until it has told all, or time is up. */
static int listen_to(int fd, struct net *list, size_t most, size_t *n_list)
{
	uint64_t end = clock_monotonic_usec() + ALL_MSEC * 1000ULL, now;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ended e;

	while ((now = clock_monotonic_usec()) < end) {
		if (poll(&p, 1, (end - now) / 1000 + 1) <= 0)
			continue;
		if (read(fd, &e, sizeof(e)) != sizeof(e))
			return -EPROTO;
		if (e.last)
			return e.err;
		if (*n_list < most)
			list[(*n_list)++] = e.why;
	}
	return -ETIMEDOUT;
}

int sockets_elsewhere_end(const ino_t *ns, size_t n, ends_fn ends, void *ctx,
			  struct net *list, size_t *n_list)
{
	struct walk w = { .ns = ns, .n = n, .ends = ends, .ctx = ctx };
	size_t most = *n_list;
	int ends_of_pipe[2], pid, err;

	*n_list = 0;
	if (pipe2(ends_of_pipe, O_CLOEXEC))
		return -errno;
	w.pipe = ends_of_pipe[1];
	pid = child_fork(ends_of_pipe);
	if (!pid)
		child(&w);
	if (pid < 0)
		return pid;
	err = listen_to(ends_of_pipe[0], list, most, n_list);
	if (err == -ETIMEDOUT)
		kill(pid, SIGKILL);
	close(ends_of_pipe[0]);
	return err;
}

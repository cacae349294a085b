// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls/tls_homes.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/processes.h"

int tls_homes_open(struct tls_homes *h)
{
	h->n = 0;
	h->own = process_ns(getpid(), "mnt");
	h->ended = epoll_create1(EPOLL_CLOEXEC);
	return h->ended < 0 ? -errno : 0;
}

ino_t tls_home_of(const struct tls_homes *h, pid_t pid)
{
	ino_t ns = process_ns(pid, "mnt");

	return ns == h->own ? 0 : ns;
}

struct search {
	ino_t ns;
	int pidfd;
};

/* Opens the process, if it is in the namespace, and still is then. */
static int open_in(pid_t pid, void *ctx)
{
	struct search *s = ctx;

	if (process_ns(pid, "mnt") != s->ns)
		return 0;
	s->pidfd = syscall(__NR_pidfd_open, pid, 0);
	if (s->pidfd < 0)
		return 0;
	if (process_ns(pid, "mnt") == s->ns)
		return 1;
	close(s->pidfd);
	return 0;
}

/*
 * Opens a process of this namespace. The first, by number, most often is the
 * container's first, with which it ends. -errno.
 */
static int find_process(ino_t ns)
{
	struct search s = { .ns = ns };
	int ret = processes_each(open_in, &s);

	return ret == 1 ? s.pidfd : ret ? ret : -ESRCH;
}

/* Watches a process of a home. 0; -ESRCH if there is none; another -errno. */
static int watch(struct tls_homes *h, struct tls_home *home)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = home->ns };

	home->pidfd = find_process(home->ns);
	if (home->pidfd < 0)
		return home->pidfd;
	if (!epoll_ctl(h->ended, EPOLL_CTL_ADD, home->pidfd, &e))
		return 0;
	close(home->pidfd);
	return -errno;
}

struct tls_home *tls_homes_find(struct tls_homes *h, ino_t ns)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->list[i].ns == ns)
			return &h->list[i];
	return NULL;
}

int tls_homes_add(struct tls_homes *h, ino_t ns, pid_t pid)
{
	struct tls_home *home = &h->list[h->n];
	int err;

	if (tls_homes_find(h, ns))
		return 0;
	if (h->n == TLS_HOMES_MAX)
		return -ENOSPC;
	home->ns = ns;
	home->late = pid;
	err = watch(h, home);
	if (!err)
		h->n++;
	return err;
}

/*
 * The process of a home has ended: watches another one. Returns false if there
 * is none any more, and forgets the home.
 */
static bool goes_on(struct tls_homes *h, struct tls_home *home)
{
	close(home->pidfd); /* which ends to watch it */
	if (!watch(h, home))
		return true;
	*home = h->list[--h->n];
	return false;
}

ino_t tls_homes_ended(struct tls_homes *h)
{
	struct tls_home *home;
	struct epoll_event e;

	while (epoll_wait(h->ended, &e, 1, 0) == 1) {
		home = tls_homes_find(h, e.data.u64);
		if (home && !goes_on(h, home))
			return e.data.u64;
	}
	return 0;
}

void tls_homes_close(struct tls_homes *h)
{
	while (h->n)
		close(h->list[--h->n].pidfd);
	close(h->ended);
}

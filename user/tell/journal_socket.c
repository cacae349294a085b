// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sd_journal_sendv() waits for ever when journald is stopped and its queue is
 * full: the daemon would hang, and with it all that it is for. The format is
 * systemd's "Native Journal Protocol".
 */
#include "tell/journal_socket.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/clock.h"

#define USEC 1000000LL
#define BUDGET_MAX USEC
#define BUDGET_SHARE 10 /* grows by a tenth of the time */
#define BUDGET_LEAST (USEC / 50)
#define PARTS                                                                  \
	5 /* of a field with a newline: name, newline, length, value, newline */
#define FIELDS_MAX 64

static int open_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static void add(struct msghdr *m, const void *base, size_t len)
{
	m->msg_iov[m->msg_iovlen++] = (struct iovec){ (void *)base, len };
}

static void add_field(struct msghdr *m, const struct iovec *f, uint64_t *size)
{
	const char *text = f->iov_base;
	const char *value = memchr(text, '=', f->iov_len);
	size_t name = value ? value++ - text : 0;

	if (!value || !memchr(value, '\n', f->iov_len - name - 1)) {
		add(m, text, f->iov_len);
	} else {
		*size = htole64(f->iov_len - name - 1);
		add(m, text, name);
		add(m, "\n", 1);
		add(m, size, sizeof(*size));
		add(m, value, f->iov_len - name - 1);
	}
	add(m, "\n", 1);
}

static int try(int fd, const struct msghdr *m, int flags)
{
	return sendmsg(fd, m, MSG_NOSIGNAL | flags) < 0 ? -errno : 0;
}

/* Waits as long as there is a budget, which grows with time. */
static int try_patiently(int fd, const struct msghdr *m)
{
	static int64_t budget = BUDGET_MAX, last;
	int64_t now = clock_monotonic_usec();
	struct timeval limit;
	int err;

	budget += (now - last) / BUDGET_SHARE;
	if (budget > BUDGET_MAX)
		budget = BUDGET_MAX;
	last = now;
	if (budget < BUDGET_LEAST)
		return -EAGAIN;
	limit = (struct timeval){ budget / USEC, budget % USEC };
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -EAGAIN;
	err = try(fd, m, 0);
	budget -= clock_monotonic_usec() - now;
	return err;
}

int journal_socket_send(const struct iovec *fields, int n)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sockaddr_un to = { .sun_family = AF_UNIX,
				  .sun_path = JOURNAL_SOCKET };
	struct iovec parts[FIELDS_MAX * PARTS];
	uint64_t sizes[FIELDS_MAX];
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = parts };
	int fd, err;

	for (int i = 0; i < n && i < FIELDS_MAX; i++)
		add_field(&m, &fields[i], &sizes[i]);
	pthread_mutex_lock(&lock);
	fd = open_socket();
	err = fd < 0 ? fd : try(fd, &m, MSG_DONTWAIT);
	if (err == -EAGAIN)
		err = try_patiently(fd, &m);
	pthread_mutex_unlock(&lock);
	return err;
}

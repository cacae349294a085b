// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/metrics_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/metrics_child.h"
#include "show/metrics.h"
#include "show/status.h"
#include "sys/child.h"
#include "tell/journal.h"

#define BACKLOG 16
/* Metrics are collected anew at 1 % of one CPU at most, else repeated. */
#define COLLECT_SHARE 100
#define PAUSE_USEC 1000000 /* before a child that has ended is replaced */

struct metrics_server {
	struct pins *pins;
	sd_event *event;
	int listener; /* stays open: clients wait while there is no child */
	int child; /* the socket of the child's questions, or -1 */
	sd_event_source *io, *timer;
	int text; /* a file in memory, or -errno */
	/* us of CLOCK_MONOTONIC: the text is repeated until then */
	uint64_t text_until;
};

static int file_of(const char *text)
{
	size_t n = strlen(text);
	int fd = memfd_create("metrics", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, text, n) == (ssize_t)n)
		return fd;
	if (fd >= 0)
		close(fd);
	return -EIO;
}

/*
 * Collects the metrics, unless the last text is still good. Each text is a file
 * of its own: the child may write to it.
 */
static void collect(struct metrics_server *m)
{
	uint64_t start = clock_monotonic_usec(), end;
	json_t *status, *families;
	char *text;

	if (m->text >= 0 && start < m->text_until)
		return;
	status = status_collect(m->pins, 0);
	families = status ? metrics_of(status) : NULL;
	text = families ? metrics_text(families) : NULL;
	if (m->text >= 0)
		close(m->text);
	m->text = text ? file_of(text) : -ENODATA;
	free(text);
	json_decref(families);
	json_decref(status);
	end = clock_monotonic_usec();
	m->text_until = end + (end - start) * COLLECT_SHARE;
}

/* A child that takes no answers gets none: the daemon waits for nobody. */
static void answer(const struct metrics_server *m)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { "", 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (m->text >= 0) {
		memcpy(CMSG_DATA(&control.head), &m->text, sizeof(m->text));
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
	}
	sendmsg(m->child, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void forget_child(struct metrics_server *m)
{
	m->io = sd_event_source_disable_unref(m->io);
	if (m->child >= 0)
		close(m->child);
	m->child = -1;
}

static int on_child(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	struct metrics_server *m = ctx;
	char byte;
	ssize_t n = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);

	if (n > 0) {
		collect(m);
		answer(m);
		return 0;
	}
	if (n < 0 && errno == EAGAIN)
		return 0;
	forget_child(m);
	sd_event_source_set_time_relative(m->timer, PAUSE_USEC);
	return sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
}

static int start_child(struct metrics_server *m)
{
	int ends[2], pid, err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = child_fork(ends);
	if (!pid)
		metrics_child(m->listener, ends[1]);
	if (pid < 0)
		return pid;
	m->child = ends[0];
	err = sd_event_add_io(m->event, &m->io, m->child, EPOLLIN, on_child, m);
	if (err < 0)
		forget_child(m);
	return err < 0 ? err : 0;
}

/* The child has ended: it was killed, or died of what it read. */
static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct metrics_server *m = ctx;
	int err = start_child(m);

	if (err) {
		sd_event_source_set_time_relative(s, PAUSE_USEC);
		return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	}
	journal_note(MESSAGE_FAULT,
		     "the process that serves metrics had ended: there is "
		     "another now");
	return 0;
}

static int listen_at(const struct listen_address *at)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(at->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(at->port) };
	bool is_v4 = addr_is_v4(&at->addr);
	int fd, one = 1, err;

	memcpy(&v4.sin_addr, &at->addr.d[3], sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, &at->addr, sizeof(v6.sin6_addr));
	fd = socket(is_v4 ? AF_INET : AF_INET6,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	err = is_v4 ? bind(fd, (struct sockaddr *)&v4, sizeof(v4)) :
		      bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (!err)
		err = listen(fd, BACKLOG);
	if (!err)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int metrics_server_start(struct metrics_server **server, sd_event *e,
			 struct pins *p, const struct listen_address *at)
{
	struct metrics_server *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	*m = (struct metrics_server){
		.pins = p, .event = e, .child = -1, .text = -ENODATA
	};
	m->listener = listen_at(at);
	err = m->listener < 0 ? m->listener :
				sd_event_add_time(e, &m->timer, CLOCK_MONOTONIC,
						  0, 0, on_timer, m);
	if (err >= 0)
		err = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
	if (err >= 0)
		err = start_child(m);
	if (err >= 0) {
		*server = m;
		return 0;
	}
	metrics_server_stop(m);
	return err;
}

void metrics_server_stop(struct metrics_server *m)
{
	if (!m)
		return;
	forget_child(m);
	sd_event_source_disable_unref(m->timer);
	if (m->listener >= 0)
		close(m->listener);
	if (m->text >= 0)
		close(m->text);
	free(m);
}

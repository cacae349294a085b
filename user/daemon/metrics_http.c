// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/metrics_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "show/metrics.h"
#include "show/status.h"

#define CLIENTS_MAX 16
#define BACKLOG 16
#define SILENCE_SEC 5
#define REQUEST_SIZE 8192
/* Metrics are collected anew at 1 % of one CPU at most, else repeated. */
#define COLLECT_SHARE 100

struct metrics_http {
	struct pins *pins;
	struct MHD_Daemon *mhd;
	sd_event_source *io, *timer;
	char *text; /* the metrics' text */
	/* us of CLOCK_MONOTONIC: the text is repeated until then */
	uint64_t text_until;
};

/* Collects the metrics, unless the last text is still good. */
static void collect(struct metrics_http *h)
{
	uint64_t start = clock_monotonic_usec(), end;
	json_t *status, *families;

	if (h->text && start < h->text_until)
		return;
	status = status_collect(h->pins, 0);
	families = status ? metrics_of(status) : NULL;
	free(h->text);
	h->text = families ? metrics_text(families) : NULL;
	json_decref(families);
	json_decref(status);
	end = clock_monotonic_usec();
	h->text_until = end + (end - start) * COLLECT_SHARE;
}

/* Queues a response; copies `text`. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned int code,
			      const char *type, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c,
				  const char *url, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct metrics_http *h = ctx;

	if (strcmp(url, "/metrics"))
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain",
			      "There is nothing but /metrics.\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			      "/metrics can only be read.\n");
	collect(h);
	if (!h->text)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			      "The metrics could not be collected.\n");
	return answer(c, MHD_HTTP_OK, METRICS_TYPE, h->text);
}

static unsigned int connections(const struct metrics_http *h)
{
	return MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
		->num_connections;
}

/*
 * Runs libmicrohttpd and sets the timer for its next timeout. At the limit of
 * connections it stops accepting, and starts again only in the next run after
 * clients have left: so it runs until none leave.
 */
static int run(struct metrics_http *h)
{
	MHD_UNSIGNED_LONG_LONG msec;

	unsigned int before;

	do {
		before = connections(h);
		MHD_run(h->mhd);
	} while (connections(h) < before);
	if (MHD_get_timeout(h->mhd, &msec) != MHD_YES)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	sd_event_source_set_time_relative(h->timer, msec * 1000);
	return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	return run(ctx);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	return run(ctx);
}

static int bind_socket(const struct listen_address *at)
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

/* No threads: the daemon's loop watches libmicrohttpd's epoll descriptor. */
static int start_mhd(struct metrics_http *h, sd_event *e, int fd)
{
	const union MHD_DaemonInfo *info;
	int err;

	h->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, h,
				  MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX,
				  MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SEC,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  (size_t)REQUEST_SIZE, MHD_OPTION_END);
	if (!h->mhd) {
		close(fd);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	err = sd_event_add_io(e, &h->io, info->epoll_fd, EPOLLIN, on_io, h);
	if (err >= 0)
		err = sd_event_add_time_relative(e, &h->timer, CLOCK_MONOTONIC,
						 0, 1, on_timer, h);
	return err < 0 ? err : 0;
}

int metrics_http_start(struct metrics_http **http, sd_event *e, struct pins *p,
		       const struct listen_address *at)
{
	struct metrics_http *h = calloc(1, sizeof(*h));
	int fd = h ? bind_socket(at) : -ENOMEM, err;

	if (fd < 0) {
		free(h);
		return fd;
	}
	h->pins = p;
	err = start_mhd(h, e, fd);
	if (err) {
		metrics_http_stop(h);
		return err;
	}
	*http = h;
	return 0;
}

void metrics_http_stop(struct metrics_http *h)
{
	if (!h)
		return;
	sd_event_source_disable_unref(h->io);
	sd_event_source_disable_unref(h->timer);
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	free(h->text);
	free(h);
}

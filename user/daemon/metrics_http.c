// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/metrics_http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "show/metrics.h"

#define CLIENTS_MAX 16
#define SILENCE_SEC 5
#define REQUEST_SIZE 8192

struct metrics_http {
	struct MHD_Daemon *mhd;
	metrics_http_text text;
	void *ctx;
};

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
	const char *text;

	if (strcmp(url, "/metrics"))
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain",
			      "There is nothing but /metrics.\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			      "/metrics can only be read.\n");
	text = h->text(h->ctx);
	if (!text)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			      "The metrics could not be collected.\n");
	return answer(c, MHD_HTTP_OK, METRICS_TYPE, text);
}

static unsigned int connections(const struct metrics_http *h)
{
	return MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
		->num_connections;
}

/*
 * At the limit of connections, libmicrohttpd stops accepting, and starts again
 * only in the next run after clients have left: so it runs until none leave.
 */
int metrics_http_run(struct metrics_http *h)
{
	MHD_UNSIGNED_LONG_LONG msec;
	unsigned int before;

	do {
		before = connections(h);
		MHD_run(h->mhd);
	} while (connections(h) < before);
	if (MHD_get_timeout(h->mhd, &msec) != MHD_YES)
		return -1;
	return msec > INT_MAX ? INT_MAX : (int)msec;
}

int metrics_http_fd(const struct metrics_http *h)
{
	return MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

/* No threads: the caller's loop watches libmicrohttpd's epoll descriptor. */
int metrics_http_start(struct metrics_http **http, int fd,
		       metrics_http_text text, void *ctx)
{
	struct metrics_http *h = calloc(1, sizeof(*h));

	if (h) {
		h->text = text;
		h->ctx = ctx;
		h->mhd = MHD_start_daemon(
			MHD_USE_EPOLL, 0, NULL, NULL, on_request, h,
			MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX,
			MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SEC,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			(size_t)REQUEST_SIZE, MHD_OPTION_END);
	}
	if (h && h->mhd) {
		*http = h;
		return 0;
	}
	close(fd);
	free(h);
	return -ENOMEM;
}

void metrics_http_stop(struct metrics_http *h)
{
	MHD_stop_daemon(h->mhd);
	free(h);
}

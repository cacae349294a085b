/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Serves the metrics by HTTP at a listening socket. Reads what anybody may send:
 * metrics_server.h runs it in a process without rights.
 */
#ifndef SMTPXDP_METRICS_HTTP_H
#define SMTPXDP_METRICS_HTTP_H

struct metrics_http;

/* Returns the metrics' text, which lives until the next call; NULL: none. */
typedef const char *(*metrics_http_text)(void *ctx);

/*
 * Takes over the socket `fd`. Limits clients in number, size of a request and
 * time of silence. -errno.
 */
int metrics_http_start(struct metrics_http **http, int fd,
		       metrics_http_text text, void *ctx);

/* When this descriptor is readable, metrics_http_run() is to be called. */
int metrics_http_fd(const struct metrics_http *http);

/* Returns in how many milliseconds it is to be called again; -1: no need. */
int metrics_http_run(struct metrics_http *http);

void metrics_http_stop(struct metrics_http *http);

#endif

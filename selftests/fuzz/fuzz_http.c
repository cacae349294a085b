// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests for the metrics, over a socket as clients send them: whatever comes,
 * an answer or none, and in time; only GET and HEAD of /metrics get metrics.
 *
 * Fuzzes: user/daemon/metrics_http.c
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/metrics_http.h"
#include "fuzz/fuzz.h"

#define ANSWER_SIZE 65536

static struct metrics_http *http;
static struct sockaddr_in server = { .sin_family = AF_INET };

static const char *text(void *ctx)
{
	return "smtpxdp_up 1\n";
}

static void serve(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(server);

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&server, size));
	must(!listen(fd, 16) &&
	     !getsockname(fd, (struct sockaddr *)&server, &size));
	must(!metrics_http_start(&http, fd, text, NULL));
}

/*
 * Lets the server run as long as it has something to do; returns the bytes of
 * its answers so far. On loopback, what is sent is there at once.
 */
static size_t let_run(int fd, char *answer)
{
	struct pollfd p = { .fd = metrics_http_fd(http), .events = POLLIN };
	int turns = 0, again = 0;
	size_t n = 0;
	ssize_t got;

	while (!again || poll(&p, 1, 0) > 0) {
		must(turns++ < 10000);
		again = metrics_http_run(http);
		while ((got = recv(fd, answer + n, ANSWER_SIZE - n,
				   MSG_DONTWAIT)) > 0)
			n += got;
		must(n < ANSWER_SIZE);
	}
	return n;
}

/*
 * Connects. An address has only so many ports, and others may have taken them:
 * each connection gets another address, and some patience.
 */
static int connect_server(void)
{
	static uint32_t client = 0x7f010000; /* 127.1.0.0, and so on */
	/* a reset leaves no port in TIME-WAIT */
	static const struct linger hard = { .l_onoff = 1 };

	for (int tries = 0; tries < 100; tries++, usleep(10000)) {
		struct sockaddr_in from = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(client) };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		must(fd >= 0);
		client = (client + 1) & 0x7f01ffff;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		if (!bind(fd, (struct sockaddr *)&from, sizeof(from)) &&
		    !connect(fd, (struct sockaddr *)&server, sizeof(server)))
			return fd;
		perror("connect");
		close(fd);
	}
	must(!"connected");
	return -1;
}

/* Sends a request over a connection of its own; returns the answers' bytes. */
static size_t ask(const void *request, size_t size, char *answer)
{
	int fd = connect_server();
	size_t n;

	must(send(fd, request, size, MSG_NOSIGNAL) == (ssize_t)size);
	n = let_run(fd, answer);
	close(fd);
	let_run(-1, answer);
	answer[n] = '\0';
	return n;
}

static void fuzz(struct input *in)
{
	static const char plain[] = "GET /metrics HTTP/1.0\r\n\r\n";
	static char answer[ANSWER_SIZE + 1];
	static unsigned int count;
	size_t n;

	if (!http)
		serve();
	n = ask(in->at, in->left, answer);
	must(!n || !strncmp(answer, "HTTP/1.", 7));
	if (n && strstr(answer, "\nsmtpxdp_"))
		must(memmem(in->at, in->left, "metrics", 7) ||
		     memchr(in->at, '%', in->left));
	if (count++ % 64)
		return;
	/* whatever came, honest clients are served */
	must(ask(plain, strlen(plain), answer));
	must(!strncmp(answer, "HTTP/1.1 200 ", 13) ||
	     !strncmp(answer, "HTTP/1.0 200 ", 13));
	must(strstr(answer, "\nsmtpxdp_"));
}

static void seeds(void)
{
	static const char *const requests[] = {
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"HEAD /metrics HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /%6detrics?x=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
		"\r\nabcdGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
		"GET /metrics\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		seed(requests[i], strlen(requests[i]));
}

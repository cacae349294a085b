// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests for the metrics, over a socket as clients send them: whatever comes,
 * an answer or none, and in time; only GET and HEAD of /metrics get metrics. A
 * request in the usual shape gets what a reader of its first line says.
 *
 * Bytes: 512
 * Fuzzes: user/daemon/metrics_http.c
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "daemon/metrics_http.h"
#include "fuzz/fuzz.h"

#define ANSWER_SIZE 65536
#define REAL_EVERY 64 /* connections by TCP take the longest */

static struct MHD_Daemon *library;

/*
 * In the library's place, to know whom to hand connections to. These are all the
 * options that the server gives.
 */
struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port,
				    MHD_AcceptPolicyCallback accepts,
				    void *accepts_ctx,
				    MHD_AccessHandlerCallback handler,
				    void *ctx, ...)
{
	typeof(&MHD_start_daemon) real = dlsym(RTLD_NEXT, "MHD_start_daemon");
	struct MHD_OptionItem option[8] = {};
	va_list ap;

	va_start(ap, ctx);
	for (int i = 0;; i++) {
		option[i].option = va_arg(ap, enum MHD_OPTION);
		if (option[i].option == MHD_OPTION_END)
			break;
		must(i < 7);
		option[i].value =
			option[i].option == MHD_OPTION_CONNECTION_MEMORY_LIMIT ?
				(intptr_t)va_arg(ap, size_t) :
				va_arg(ap, int);
	}
	va_end(ap);
	library = real(flags, port, accepts, accepts_ctx, handler, ctx,
		       MHD_OPTION_ARRAY, option, MHD_OPTION_END);
	return library;
}

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

/* A connection without TCP: one end for the client, one for the server. */
static int connect_pair(void)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNIX };
	int fd[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			 fd));
	must(MHD_add_connection(library, fd[1], &nobody, sizeof(nobody)) ==
	     MHD_YES);
	return fd[0];
}

/* Sends a request over a connection of its own; returns the answers' bytes. */
static size_t ask(const void *request, size_t size, char *answer)
{
	static unsigned int count;
	int fd = now_and_then(&count, REAL_EVERY) ? connect_server() :
						    connect_pair();
	size_t n;

	must(send(fd, request, size, MSG_NOSIGNAL) == (ssize_t)size);
	n = let_run(fd, answer);
	close(fd);
	let_run(-1, answer);
	answer[n] = '\0';
	return n;
}

/* The bytes before `end`, or 0 if it is not there. */
static size_t up_to(const char *s, const char *end)
{
	const char *at = strstr(s, end);

	return at ? at - s : 0;
}

READER_BEGINS
/*
 * The status that a request gets, if it is nothing but
 *   METHOD SP PATH[?...] SP HTTP/1.0 CRLF CRLF
 * in letters, digits and /.?=&; else 0. It sets *body.
 */
static int status_of(const char *s, bool *body)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
			  path[] = "abcdefghijklmnopqrstuvwxyz0123456789/.";
	size_t method = strspn(s, letters), n;
	const char *from = s + method + 1;
	bool get = !strncmp(s, "GET ", 4), head = !strncmp(s, "HEAD ", 5);

	if (!method || method > 20 || s[method] != ' ' || *from != '/')
		return 0;
	n = strspn(from, path);
	s = from + n;
	if (*s == '?')
		s += 1 +
		     strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789=&");
	if (strcmp(s, " HTTP/1.0\r\n\r\n"))
		return 0;
	*body = !head;
	if (n != 8 || memcmp(from, "/metrics", 8))
		return 404;
	return get || head ? 200 : 405;
}
READER_ENDS

static void must_answer(const char *request, const char *answer)
{
	bool body = false;
	int status = status_of(request, &body);
	size_t head = up_to(answer, "\r\n\r\n");

	if (!status)
		return;
	must(!strncmp(answer, "HTTP/1.", 7) && atoi(answer + 9) == status);
	must(head);
	must(!!answer[head + 4] == body);
	must(!!strstr(answer, "\r\nAllow: GET, HEAD\r\n") == (status == 405));
	must(!!strstr(answer, "\nsmtpxdp_") == (status == 200 && body));
	must(!!strstr(answer, "\r\nContent-Type: text/plain\r\n") ==
	     (status != 200));
}

static void fuzz(struct input *in)
{
	static const char plain[] = "GET /metrics HTTP/1.0\r\n\r\n";
	static char answer[ANSWER_SIZE + 1];
	static unsigned int count;
	char *request;
	size_t n;

	if (!http)
		serve();
	n = ask(in->at, in->left, answer);
	must(!n || !strncmp(answer, "HTTP/1.", 7));
	if (n && strstr(answer, "\nsmtpxdp_"))
		must(memmem(in->at, in->left, "metrics", 7) ||
		     memchr(in->at, '%', in->left));
	request = take_string(in);
	if (!in->left)
		must_answer(request, answer);
	free(request);
	if (count++ % 64)
		return;
	/* whatever came, honest clients are served */
	must(ask(plain, strlen(plain), answer));
	must_answer(plain, answer);
}

static void seeds(void)
{
	static const char *const requests[] = {
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"HEAD /metrics HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /metrics HTTP/1.0\r\n\r\n",
		"GET /metrics?a=b HTTP/1.0\r\n\r\n",
		"GET /metricsx HTTP/1.0\r\n\r\n",
		"PUT /metrics HTTP/1.0\r\n\r\n",
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

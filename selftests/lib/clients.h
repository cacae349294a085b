/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For programs that are many clients at once, each from an address of its own. */
#ifndef SELFTESTS_CLIENTS_H
#define SELFTESTS_CLIENTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static int poll_fd;

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

static inline int64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static inline struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		die(text);
	return a;
}

static inline void watch(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e))
		die("epoll");
}

static inline void say(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Greets all that wait at a listener. */
static inline void greet(int listener, const char *greeting)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		watch(fd);
		say(fd, greeting);
	}
}

/* A server that greets, and answers what comes by `answer`, without end. */
static inline void serve(const char *host, const char *port,
			 const char *greeting, void (*answer)(int fd))
{
	struct sockaddr_in a = address(host, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event e[64];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 4096))
		die(host);
	watch(fd);
	for (;;) {
		int n = epoll_wait(poll_fd, e, 64, -1);

		for (int i = 0; i < n; i++) {
			if (e[i].data.fd == fd)
				greet(fd, greeting);
			else
				answer(e[i].data.fd);
		}
	}
}

/* A socket of a client at this address; type: SOCK_NONBLOCK, or 0. */
static inline int client_at(uint32_t source, int type)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(source) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | type, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (void *)&a, sizeof(a)))
		die("bind");
	return fd;
}

static inline void hang_up(int fd, bool by_reset)
{
	struct linger hard = { .l_onoff = by_reset };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

#endif

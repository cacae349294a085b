// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many attackers, each with an address of its own, and a server that takes them
 * all and lets none in.
 *   crowd serve ADDRESS PORT
 *   crowd attack ADDRESS PORT FIRST COUNT TRIES SECONDS
 * The attackers are FIRST and the addresses behind it, TRIES logins each, all of
 * them one after the other and then again, evenly over the time. At its end
 * prints how many of the logins were refused; who is banned gets no answer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#define FDS_MAX 8192
#define PATIENCE_USEC 5000000LL

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static const char greeting[] = "220 crowd.example ESMTP\r\n";
/* alice; the last two characters are of another password each time */
static char login[] = "AUTH PLAIN AGFsaWNlAHdyb25n\r\n";
static const char refusal[] = "535 5.7.8 Error: authentication failed\r\n";

static int poll_fd;
static int64_t begun[FDS_MAX]; /* of an attacker's connection; 0: free */
static unsigned long refused;
static int open_now;

static void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		die(text);
	return a;
}

static void watch(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e))
		die("epoll");
}

static void serve_one(int fd)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && memchr(text, '\n', n))
		n = send(fd, refusal, strlen(refusal), MSG_NOSIGNAL);
	if (n <= 0)
		close(fd);
}

static void serve(const char *host, const char *port)
{
	struct sockaddr_in a = address(host, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event e[64];

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 4096))
		die(host);
	watch(fd);
	for (;;) {
		int n = epoll_wait(poll_fd, e, 64, -1), c;

		for (int i = 0; i < n; i++) {
			if (e[i].data.fd != fd) {
				serve_one(e[i].data.fd);
				continue;
			}
			while ((c = accept(fd, NULL, NULL)) >= 0) {
				watch(c);
				send(c, greeting, strlen(greeting),
				     MSG_NOSIGNAL);
			}
		}
	}
}

/* By a reset: the server shall keep nothing of who is banned by now. */
static void leave(int fd)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	begun[fd] = 0;
	open_now--;
}

static void come(const struct sockaddr_in *to, uint32_t from)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(from) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || fd >= FDS_MAX)
		die("socket");
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (void *)&a, sizeof(a)))
		die("bind");
	if (connect(fd, (void *)to, sizeof(*to)) && errno != EINPROGRESS)
		die("connect");
	watch(fd);
	begun[fd] = now_usec();
	open_now++;
}

static void new_password(void)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789+/";
	static unsigned int n;
	char *end = login + strlen(login) - 4;

	end[0] = set[n / 64 % 64];
	end[1] = set[n++ % 64];
}

static void hear(int fd)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 3 && !memcmp(text, "220", 3)) {
		new_password();
		send(fd, login, strlen(login), MSG_NOSIGNAL);
		return;
	}
	refused += n > 3 && !memcmp(text, "535", 3);
	leave(fd);
}

static void give_up(void)
{
	int64_t late = now_usec() - PATIENCE_USEC;

	for (int fd = 0; fd < FDS_MAX; fd++)
		if (begun[fd] && begun[fd] < late)
			leave(fd);
}

static void attack(char **argv)
{
	struct sockaddr_in to = address(argv[2], argv[3]);
	uint32_t first = ntohl(address(argv[4], "0").sin_addr.s_addr);
	unsigned long count = atol(argv[5]), all = count * atol(argv[6]);
	unsigned long done = 0;
	int64_t start = now_usec(), time = atol(argv[7]) * 1000000LL, last = 0;
	struct epoll_event e[64];

	while (done < all || open_now) {
		unsigned long due = (now_usec() - start) * all / time;
		int n;

		while (done < all && done < due && open_now < FDS_MAX / 2)
			come(&to, first + done++ % count);
		n = epoll_wait(poll_fd, e, 64, 1);
		for (int i = 0; i < n; i++)
			hear(e[i].data.fd);
		if (now_usec() - last > 1000000) {
			give_up();
			last = now_usec();
		}
	}
	printf("%lu of %lu logins refused in %lld s\n", refused, all,
	       (long long)(now_usec() - start) / 1000000);
}

int main(int argc, char **argv)
{
	struct rlimit files = { FDS_MAX, FDS_MAX };

	setrlimit(RLIMIT_NOFILE, &files);
	poll_fd = epoll_create1(0);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3]);
	if (argc != 8 || strcmp(argv[1], "attack"))
		return 2;
	attack(argv);
	return 0;
}

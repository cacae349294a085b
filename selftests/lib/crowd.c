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
#include "clients.h"

#define FDS_MAX 8192
#define PATIENCE_USEC 5000000LL

static const char greeting[] = "220 crowd.example ESMTP\r\n";
/* alice; the last two characters are of another password each time */
static char login[] = "AUTH PLAIN AGFsaWNlAHdyb25n\r\n";
static const char refusal[] = "535 5.7.8 Error: authentication failed\r\n";

static int64_t begun[FDS_MAX]; /* of an attacker's connection; 0: free */
static unsigned long refused;
static int open_now;

static void refuse(int fd)
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

/* By a reset: the server shall keep nothing of who is banned by now. */
static void leave(int fd)
{
	hang_up(fd, true);
	begun[fd] = 0;
	open_now--;
}

static void come(const struct sockaddr_in *to, uint32_t from)
{
	int fd = client_at(from, SOCK_NONBLOCK);

	if (fd >= FDS_MAX)
		die("socket");
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
		say(fd, login);
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
		serve(argv[2], argv[3], greeting, refuse);
	if (argc != 8 || strcmp(argv[1], "attack"))
		return 2;
	attack(argv);
	return 0;
}

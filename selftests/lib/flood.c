// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A quick server, and a flood of clients that try no login, beside guessers who
 * hang up before the answer.
 *   flood serve ADDRESS PORT
 *   flood come ADDRESS PORT GUESSERS FIRST-GUESSER COUNT FIRST END
 * The server greets, and answers no AUTH. Each guesser, from an address of its
 * own, sends one AUTH; then COUNT clients come, each from the next address, and
 * leave when they are greeted: END is r, by a reset; f, by a FIN; or b, blindly, by a
 * reset before the greeting. Then the guessers reset, and a fourth as many clients
 * come. It prints how many were greeted, and how long that took.
 */
#include "clients.h"

#define FDS_MAX 16384
#define OPEN_MAX 1000
#define PATIENCE_USEC 2000000LL
#define GUESSERS_MAX 256

static const char greeting[] = "220 flood.example ESMTP\r\n";
static const char offer[] = "250-flood.example\r\n250 AUTH PLAIN\r\n";
static const char hello[] = "EHLO client.example\r\n";
static const char login[] = "AUTH PLAIN AGFsaWNlAHdyb25n\r\n";

static int64_t came_at[FDS_MAX]; /* of a client; 0: none */
static unsigned long greeted;
static unsigned int open_now;

static void answer(int fd)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		close(fd);
	else if (n > 4 && !memcmp(text, "EHLO", 4))
		say(fd, offer);
}

/* Says a line when the one before is answered. */
static void ask(int fd, const char *line)
{
	char text[512];

	if (recv(fd, text, sizeof(text), 0) <= 0)
		die("a guesser");
	say(fd, line);
}

static int guess(const struct sockaddr_in *to, uint32_t source)
{
	int fd = client_at(source, 0);

	if (connect(fd, (void *)to, sizeof(*to)))
		die("connect");
	ask(fd, hello);
	ask(fd, login);
	return fd;
}

static void leave(int fd, bool by_reset)
{
	hang_up(fd, by_reset);
	came_at[fd] = 0;
	open_now--;
}

static void come(const struct sockaddr_in *to, uint32_t source, char end)
{
	int fd = client_at(source, end == 'b' ? 0 : SOCK_NONBLOCK);

	if (connect(fd, (void *)to, sizeof(*to)) && errno != EINPROGRESS)
		die("connect");
	open_now++;
	if (end == 'b') {
		leave(fd, true);
		return;
	}
	if (fd >= FDS_MAX)
		die("too many");
	watch(fd);
	came_at[fd] = now_usec();
}

static void hear(int fd, bool by_reset)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	greeted += n > 0;
	leave(fd, by_reset);
}

static void give_up(void)
{
	int64_t late = now_usec() - PATIENCE_USEC;

	for (int fd = 0; fd < FDS_MAX; fd++)
		if (came_at[fd] && came_at[fd] < late)
			leave(fd, true);
}

static void flood(const struct sockaddr_in *to, uint32_t first,
		  unsigned long count, char end)
{
	unsigned long came = 0;
	int64_t last = now_usec();
	struct epoll_event e[64];

	while (came < count || open_now) {
		int n;

		for (int i = 0; i < 64 && came < count && open_now < OPEN_MAX;
		     i++)
			come(to, first + came++, end);
		n = epoll_wait(poll_fd, e, 64, came < count ? 0 : 10);
		for (int i = 0; i < n; i++)
			hear(e[i].data.fd, end == 'r');
		if (now_usec() - last > 1000000) {
			last = now_usec();
			give_up();
		}
	}
}

static void attack(char **argv)
{
	struct sockaddr_in to = address(argv[2], argv[3]);
	uint32_t guesser = ntohl(address(argv[5], "0").sin_addr.s_addr);
	uint32_t first = ntohl(address(argv[7], "0").sin_addr.s_addr);
	unsigned long n = atol(argv[4]), count = atol(argv[6]);
	int64_t start = now_usec();
	int fd[GUESSERS_MAX];

	for (unsigned long i = 0; i < n && i < GUESSERS_MAX; i++)
		fd[i] = guess(&to, guesser + i);
	flood(&to, first, count, *argv[8]);
	for (unsigned long i = 0; i < n && i < GUESSERS_MAX; i++)
		hang_up(fd[i], true);
	flood(&to, first + count, count / 4, *argv[8]);
	printf("%lu greeted in %lld ms\n", greeted,
	       (long long)(now_usec() - start) / 1000);
}

int main(int argc, char **argv)
{
	struct rlimit files = { FDS_MAX, FDS_MAX };

	setrlimit(RLIMIT_NOFILE, &files);
	poll_fd = epoll_create1(0);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], greeting, answer);
	if (argc != 9 || strcmp(argv[1], "come"))
		return 2;
	attack(argv);
	return 0;
}

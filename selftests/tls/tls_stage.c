// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A server on a stage: its "TLS library" are the functions below, its sessions
 * bytes in memory, its records a ServerHello and then nothing of meaning. So a
 * test decides what comes after what, and what an attacker got into which
 * object. Clients connect one after another; who is who, the order tells. It
 * begins at SIGUSR1.
 *
 *   tls_stage ADDRESS SCENE
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CLIENTS 3
#define REFUSED "535 5.7.8 no\r\n"

/* As in GnuTLS: the client's random, its choice, lies before the server's. */
struct session {
	char before[80];
	unsigned char client_random[32];
	unsigned char server_random[32];
	char behind[1024];
	int fd; /* that the write call sends on, or -1: through memory */
	int failing; /* the write call's send fails, and it says so */
	jmp_buf *out; /* where the write call goes instead of returning */
};

static struct session sessions[CLIENTS];
static int fds[CLIENTS];

/* What a session's write gives the socket: more bytes than the text has. */
static void put(int fd, int n)
{
	char record[256] = "\x17\x03\x03";

	if (write(fd, record, n + 22) < 0)
		perror("write");
}

__attribute__((noipa)) int
SSL_write(struct session *s, __attribute__((unused)) const void *buf, int n)
{
	if (s->out)
		longjmp(*s->out, 1);
	if (s->failing)
		return -1;
	if (s->fd >= 0)
		put(s->fd, n);
	return n;
}

/* As in OpenSSL 3.5: the one is the other. */
__attribute__((noipa)) int SSL_write_ex2(struct session *s, const void *buf,
					 size_t n,
					 __attribute__((unused)) uint64_t flags,
					 size_t *written)
{
	*written = s->failing ? 0 : n;
	if (s->fd >= 0 && !s->failing)
		put(s->fd, n);
	return buf && !s->failing;
}

__attribute__((noipa)) int SSL_write_ex(struct session *s, const void *buf,
					size_t n, size_t *written)
{
	return SSL_write_ex2(s, buf, n, 0, written);
}

__attribute__((noipa)) void SSL_free(struct session *s)
{
	memset(s, 0, sizeof(*s));
}

static void say(int i, const char *text)
{
	SSL_write(&sessions[i], text, strlen(text));
}

static void fail(int i)
{
	say(i, REFUSED);
}

/* The handshake; the object then has the random, as a library's has. */
static void hello(int i)
{
	unsigned char record[128] =
		"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";
	struct session *s = &sessions[i];

	if (getrandom(s->server_random, 32, 0) != 32)
		exit(1);
	memcpy(record + 11, s->server_random, 32);
	if (write(fds[i], record, 127) != 127)
		perror("hello");
	s->fd = -1;
}

/* Written, and sent at once: where the random lies can be learned from that. */
static void teach(int i)
{
	say(i, "220 ready\r\n");
	put(fds[i], 11);
}

/* Client i fails i + 1 times, and the server sends for all when it likes. */
static void batch(void)
{
	for (int k = 0; k < CLIENTS; k++)
		for (int i = k; i < CLIENTS; i++)
			fail(i);
	for (int i = CLIENTS; i-- > 0;)
		put(fds[i], 40);
}

/* Every write is followed by a send to somebody else, before anything that
 * could teach the place. */
static void crossed(void)
{
	for (int k = 0; k < 20; k++) {
		fail(0);
		put(fds[1], 14);
		fail(1);
		put(fds[2], 14);
	}
}

/* Client 1 uses client 0's random as its own, from the very first session. */
static void borrowed(void)
{
	memcpy(sessions[1].client_random, sessions[0].server_random, 32);
	teach(1);
	fail(1);
	fail(1);
	put(fds[1], 40);
	fail(0);
	put(fds[0], 40);
}

/* The object is another client's, and nobody said so. */
static void unsaid(void)
{
	teach(0);
	fail(0);
	memcpy(&sessions[0], &sessions[1], sizeof(sessions[0]));
	fail(0);
	fail(0);
	memset(sessions[0].server_random, 0, 32);
	fail(0); /* nobody's */
}

/* Out of the write call by longjmp(), then others are sent to. */
static void jumped(void)
{
	jmp_buf out;

	sessions[0].out = &out;
	if (!setjmp(out))
		fail(0);
	put(fds[1], 14);
	sessions[0].out = NULL;
	fail(0);
	put(fds[2], 14);
	fail(1);
}

/* The write call sends itself; what it cannot send, it is asked to again. */
static void retried(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		sessions[i].fd = fds[i];
		sessions[i].failing = 1;
		fail(i);
		fail(i);
		put(fds[(i + 1) % CLIENTS], 14);
		sessions[i].failing = 0;
		fail(i);
	}
}

/* By all three functions; those that fail count when they are tried again. */
static void extended(void)
{
	size_t n;

	for (int i = 0; i < CLIENTS; i++) {
		struct session *s = &sessions[i];

		s->fd = fds[i];
		s->failing = 1;
		SSL_write_ex2(s, REFUSED, strlen(REFUSED), 0, &n);
		SSL_write_ex(s, REFUSED, strlen(REFUSED), &n);
		s->failing = 0;
		SSL_write_ex2(s, REFUSED, strlen(REFUSED), 0, &n);
		SSL_write_ex(s, REFUSED, strlen(REFUSED), &n);
		fail(i);
	}
}

/* A relay's mail, in an object that looks like a client's session. */
static void relay(void)
{
	teach(0);
	SSL_free(&sessions[0]);
	sessions[0] = sessions[1];
	say(0, "EHLO relay.example\r\n");
	fail(0);
	fail(0);
	fail(2);
}

static const struct {
	const char *name;
	void (*play)(void);
} scenes[] = {
	{ "batch", batch },	  { "crossed", crossed },
	{ "borrowed", borrowed }, { "unsaid", unsaid },
	{ "jumped", jumped },	  { "retried", retried },
	{ "relay", relay },	  { "extended", extended },
};

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(465) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	void (*play)(void) = NULL;
	sigset_t go;
	int signal;

	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	for (size_t i = 0; argc == 3 && i < sizeof(scenes) / sizeof(*scenes);
	     i++)
		if (!strcmp(argv[2], scenes[i].name))
			play = scenes[i].play;
	if (!play || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1)
		return 2;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&a, sizeof(a)) || listen(listener, 10))
		return 1;
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = accept(listener, NULL, NULL);
		hello(i);
	}
	sigwait(&go, &signal); /* by now, the sensor has looked at us */
	if (play == batch)
		teach(0);
	play();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A mail server that refuses every password, for a test to link as it likes:
 * with OpenSSL built in, stripped or not. It shakes hands by SSL_read() alone.
 * Its TLS goes through memory to the socket, or the kernel encrypts it, if that
 * is asked for.
 *
 *   tls_static ADDRESS [memory|ktls]
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define GREETING "220 static.example ESMTP\r\n"
#define HELLO "250-static.example\r\n250 AUTH PLAIN\r\n"
#define REFUSED "535 5.7.8 Error: authentication failed\r\n"

static SSL_CTX *ctx;

struct client {
	int fd;
	SSL *tls;
	BIO *in, *out; /* with "memory" */
};

static void flush(struct client *c)
{
	char buf[16384];
	int n;

	while (c->out && (n = BIO_read(c->out, buf, sizeof(buf))) > 0)
		if (write(c->fd, buf, n) != n)
			return;
}

static void say(struct client *c, const char *text)
{
	SSL_write(c->tls, text, strlen(text));
	flush(c);
}

/* More for the session to read, or nothing ever: 0. */
static int more(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char buf[16384];
	int n;

	if (!c->in)
		return poll(&p, 1, -1);
	flush(c);
	n = read(c->fd, buf, sizeof(buf));
	return n > 0 && BIO_write(c->in, buf, n) == n;
}

static void serve(struct client *c)
{
	int greeted = 0, wants, n;
	char text[4096];

	do {
		n = SSL_read(c->tls, text, sizeof(text));
		wants = n > 0 ||
			SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ;
		if (!greeted && SSL_is_init_finished(c->tls)) {
			say(c, GREETING);
			greeted = 1;
		}
		if (n > 0 && !strncmp(text, "QUIT", 4))
			return;
		if (n > 0)
			say(c, !strncmp(text, "EHLO", 4) ? HELLO : REFUSED);
	} while (wants && (n > 0 || more(c)));
}

static void accept_one(int listener, const char *how)
{
	struct client c = { .fd = accept(listener, NULL, NULL) };

	c.tls = SSL_new(ctx);
	if (!strcmp(how, "ktls"))
		SSL_set_options(c.tls, SSL_OP_ENABLE_KTLS);
	SSL_set_accept_state(c.tls);
	if (!strcmp(how, "memory")) {
		c.in = BIO_new(BIO_s_mem());
		c.out = BIO_new(BIO_s_mem());
		SSL_set_bio(c.tls, c.in, c.out);
	} else {
		SSL_set_fd(c.tls, c.fd);
		fcntl(c.fd, F_SETFL, O_NONBLOCK);
	}
	if (fork() == 0) {
		serve(&c);
		_exit(0);
	}
	SSL_free(c.tls);
	close(c.fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(465) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	ctx = SSL_CTX_new(TLS_server_method());
	if (argc < 2 || inet_pton(AF_INET, argv[1], &a.sin_addr) != 1 ||
	    SSL_CTX_use_certificate_file(ctx, "/run/lab/cert.pem", 1) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, "/run/lab/key.pem", 1) != 1)
		return 2;
	signal(SIGCHLD, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&a, sizeof(a)) || listen(listener, 100))
		return 1;
	for (;;)
		accept_one(listener, argc > 2 ? argv[2] : "");
}

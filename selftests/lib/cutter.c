// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Clients of their own TCP, behind a TUN device: many at once, each with an
 * address of its own, who end their connections within the answer to a login.
 *
 *   cutter TUN SERVER PORT FIRST-SOURCE PARALLEL LINE...
 *
 * LINEs are what a client says after the greeting, each when the one before is
 * answered. Standard input has a case a line: WINDOW BYTES END. Such a client
 * sends the last LINE with that receive window, and ends when it has got so
 * many bytes of the answer; when it wants none, as soon as the server asks
 * whether the window is still shut. END: r sends a reset; f a FIN, and a reset
 * to what comes then; s says nothing any more, not even an ACK; S is shut in
 * the handshake already: it says all at once, and resets after a second. It
 * prints "ok CASES", or what went wrong with a case.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX 65536
#define LINES_MAX 8
#define OPEN 65535
#define PATIENCE 90.0 /* seconds for one case */
#define FIRST_PORT 30000

enum stage { WAITS, SYN_SENT, TALKS, CUTS, ENDED, SILENT };

struct client {
	uint32_t window, bytes; /* the case */
	char end;
	enum stage stage;
	uint32_t seq, next; /* ours; the server's */
	uint32_t seen; /* bytes of the answer */
	unsigned int said; /* lines */
	double since, began;
	bool middle; /* of a line of a reply */
	char head[4]; /* of that line */
	unsigned int n_head;
};

static struct client clients[CASES_MAX];
static unsigned int n_cases, n_lines, begun, ended, failed;
static char lines[LINES_MAX][512];
static int tun;
static uint32_t server, first_source;
static uint16_t port;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint32_t sum(const void *data, size_t n)
{
	const uint8_t *b = data;
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		s += b[i] << 8 | b[i + 1];
	return n % 2 ? s + (b[n - 1] << 8) : s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons(~s);
}

static void emit(struct client *c, uint8_t flags, uint32_t window,
		 const char *data)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		char data[2048];
	} __attribute__((packed)) p = {};
	size_t n = strlen(data), tcp = sizeof(p.tcp) + n;

	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 64;
	p.ip.protocol = IPPROTO_TCP;
	p.ip.tot_len = htons(sizeof(p.ip) + tcp);
	p.ip.saddr = htonl(first_source + (c - clients));
	p.ip.daddr = server;
	p.ip.check = fold(sum(&p.ip, sizeof(p.ip)));
	p.tcp.source = htons(FIRST_PORT + (c - clients) % 30000);
	p.tcp.dest = htons(port);
	p.tcp.seq = htonl(c->seq);
	p.tcp.ack_seq = htonl(c->next);
	p.tcp.doff = 5;
	p.tcp.th_flags = flags;
	p.tcp.window = htons(window);
	memcpy(p.data, data, n);
	p.tcp.check = fold(sum(&p.tcp, tcp) + sum(&p.ip.saddr, 8) +
			   IPPROTO_TCP + tcp);
	if (write(tun, &p, sizeof(p.ip) + tcp) < 0)
		perror("write");
	c->seq += n + !!(flags & (TH_SYN | TH_FIN));
}

static void over(struct client *c, const char *why)
{
	c->stage = ENDED;
	ended++;
	if (!why)
		return;
	failed++;
	printf("case %u %u %c: %s after %u lines, %u bytes\n", c->window,
	       c->bytes, c->end, why, c->said, c->seen);
}

static void finish(struct client *c)
{
	if (c->end == 'r' || c->end == 'S')
		emit(c, TH_RST | TH_ACK, 0, "");
	else if (c->end == 'f')
		emit(c, TH_FIN | TH_ACK, c->window, "");
	over(c, NULL);
	if (c->end == 's')
		c->stage = SILENT;
}

/* What the client may take yet. */
static uint32_t offer(const struct client *c)
{
	uint32_t left = c->bytes - c->seen;

	return left < c->window ? left : c->window;
}

static void say(struct client *c)
{
	bool last = c->said + 1 == n_lines;

	c->since = now();
	c->n_head = 0;
	if (last)
		c->stage = CUTS;
	emit(c, TH_PUSH | TH_ACK, last ? offer(c) : OPEN, lines[c->said++]);
}

static void say_all(struct client *c)
{
	char all[2048] = "";

	for (unsigned int i = 0; i < n_lines; i++)
		strcat(all, lines[i]);
	c->stage = CUTS;
	c->since = now();
	emit(c, TH_PUSH | TH_ACK, 0, all);
}

/* Does a reply end within these bytes? */
static bool replied(struct client *c, const char *data, size_t n)
{
	bool done = false;

	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n') {
			done = c->n_head < 4 || c->head[3] != '-';
			c->n_head = 0;
		} else if (c->n_head < 4) {
			c->head[c->n_head++] = data[i];
		}
	}
	return done;
}

static void talk(struct client *c, const char *data, size_t n)
{
	c->next += n;
	if (replied(c, data, n))
		say(c);
	else
		emit(c, TH_ACK, OPEN, "");
}

static void cut(struct client *c, size_t n)
{
	c->next += n;
	c->seen += n;
	if (c->seen > c->bytes)
		over(c, "the server sent more than its window");
	else if (c->seen == c->bytes)
		finish(c);
	else
		emit(c, TH_ACK, offer(c), "");
}

static void take(struct client *c, const struct tcphdr *t, const char *data,
		 size_t n)
{
	int32_t old = c->next - ntohl(t->seq);

	if (t->rst) {
		if (c->stage != ENDED)
			over(c, "reset");
		return;
	}
	if (c->stage == SYN_SENT && t->syn && t->ack) {
		c->next = ntohl(t->seq) + 1;
		c->stage = TALKS;
		emit(c, TH_ACK, c->end == 'S' ? 0 : OPEN, "");
		if (c->end == 'S')
			say_all(c);
		return;
	}
	if (c->stage == ENDED && (n || t->fin || old == 1))
		emit(c, TH_RST | TH_ACK, 0, "");
	if (c->stage != TALKS && c->stage != CUTS)
		return;
	/* It asks about the window: it has something to send. */
	if (c->stage == CUTS && !c->bytes && old == 1 && c->end != 'S')
		finish(c);
	else if (old < 0 || (size_t)old >= n)
		n = 0;
	else if (c->stage == TALKS)
		talk(c, data + old, n - old);
	else
		cut(c, n - old);
	if (t->fin && (c->stage == TALKS || c->stage == CUTS))
		over(c, "the server hung up");
}

static void receive(void)
{
	char p[4096];
	ssize_t len;

	while ((len = read(tun, p, sizeof(p))) > 0) {
		const struct iphdr *ip = (void *)p;
		const struct tcphdr *t = (void *)(p + ip->ihl * 4);
		uint32_t i = ntohl(ip->daddr) - first_source;
		size_t at = ip->ihl * 4 + t->doff * 4;

		if (ip->version == 4 && ip->protocol == IPPROTO_TCP &&
		    ip->saddr == server && i < n_cases)
			take(&clients[i], t, p + at, ntohs(ip->tot_len) - at);
	}
}

static void begin(struct client *c)
{
	c->stage = SYN_SENT;
	c->since = c->began = now();
	c->seq = 1000;
	c->next = 0;
	emit(c, TH_SYN, c->end == 'S' ? 0 : OPEN, "");
}

/* Time passes: for a lost SYN, for 'S', and for who waits too long. */
static void tick(void)
{
	double t = now();

	for (unsigned int i = 0; i < begun; i++) {
		struct client *c = &clients[i];

		if (c->stage >= ENDED)
			continue;
		if (t - c->began > PATIENCE)
			over(c, "no answer");
		else if (c->stage == SYN_SENT && t - c->since > 1)
			c->seq = 1000, c->since = t,
			emit(c, TH_SYN, c->end == 'S' ? 0 : OPEN, "");
		else if (c->stage == CUTS && c->end == 'S' && t - c->since > 1)
			finish(c);
	}
}

static int open_tun(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r)) {
		perror(name);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	unsigned int parallel;
	double last = now();

	if (argc < 7 || argc - 6 > LINES_MAX)
		return 2;
	tun = open_tun(argv[1]);
	server = inet_addr(argv[2]);
	port = atoi(argv[3]);
	first_source = ntohl(inet_addr(argv[4]));
	parallel = atoi(argv[5]);
	for (int i = 6; i < argc; i++)
		snprintf(lines[n_lines++], sizeof(*lines), "%s\r\n", argv[i]);
	for (struct client *c = clients;
	     n_cases < CASES_MAX &&
	     scanf("%u %u %c", &c->window, &c->bytes, &c->end) == 3;
	     c++)
		n_cases++;
	while (ended < n_cases) {
		struct pollfd p = { .fd = tun, .events = POLLIN };

		while (begun < n_cases && begun - ended < parallel)
			begin(&clients[begun++]);
		poll(&p, 1, 50);
		receive();
		if (now() - last > 0.2) {
			last = now();
			tick();
		}
	}
	/* Answers to the FINs of those who have hung up. */
	for (last = now(); now() - last < 2;) {
		struct pollfd p = { .fd = tun, .events = POLLIN };

		poll(&p, 1, 100);
		receive();
	}
	printf("%s %u\n", failed ? "failed" : "ok", failed ? failed : n_cases);
	return !!failed;
}

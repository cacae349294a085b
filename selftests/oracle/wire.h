/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire to the mail server: a TAP device. What is written there is received
 * by the kernel before write() returns, so a seed's packets come in the same
 * order each time.
 */
#ifndef SELFTESTS_WIRE_H
#define SELFTESTS_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/fixture.h"

#define WIRE_MAX 16384

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20

/* How a segment leaves its usual shape; bits. */
enum oddity {
	ODD_TCP_SUM = 1, /* wrong checksum of TCP */
	ODD_IP_SUM = 2, /* of IPv4 */
	ODD_OPTIONS = 4, /* IPv4 options; IPv6 extension headers */
	ODD_FRAGMENTS = 8,
	ODD_SHORT = 16, /* IP's length is less than what is there */
	ODD_OLD = 32, /* an old timestamp (RFC 7323, 5) */
	ODD_TRAILER = 64, /* bytes behind the IP packet */
};

struct peer {
	bool v6;
	uint8_t server[16], client[16]; /* IPv4: 4 bytes each */
	uint16_t sport, cport; /* host byte order */
	bool stamps; /* timestamps are agreed on */
	uint32_t stamp, echo;
};

struct segment {
	uint32_t seq, ack;
	uint16_t window, urgent;
	uint8_t flags;
	uint16_t mss; /* of a SYN; 0: no option */
	bool sack, ask_stamps, fast; /* options of a SYN */
	const uint8_t *data;
	uint32_t len;
	uint32_t odd; /* enum oddity */
	/* fragments: other bytes that take part in some of them, or NULL */
	const uint8_t *other;
};

/* What the server sent. */
struct heard {
	uint32_t seq, ack, stamp;
	uint16_t window;
	uint8_t flags;
	const uint8_t *data;
	uint32_t len;
};

static int wire_fd;
static uint64_t wire_packets; /* sent so far */

static inline uint32_t sum_of(const void *bytes, uint32_t len, uint32_t sum)
{
	const uint8_t *b = bytes;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += b[i] << 8 | b[i + 1];
	if (len & 1)
		sum += b[len - 1] << 8;
	return sum;
}

static inline uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static inline void store16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static inline void store32(uint8_t *at, uint32_t v)
{
	store16(at, v >> 16);
	store16(at + 2, v);
}

static inline uint32_t fetch32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static inline uint16_t fetch16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

/* Appends TCP's options; returns how many bytes. */
static inline uint32_t wire_options(const struct peer *p,
				    const struct segment *s, uint8_t *o)
{
	uint32_t n = 0;

	if (s->mss) {
		o[n] = 2;
		o[n + 1] = 4;
		store16(o + n + 2, s->mss);
		n += 4;
	}
	if (s->sack) {
		memcpy(o + n, "\1\1\4\2", 4);
		n += 4;
	}
	if (s->fast) { /* an empty cookie, which the server asks for none of */
		memcpy(o + n, "\1\1\x22\2", 4);
		n += 4;
	}
	if (s->ask_stamps || (p->stamps && !(s->flags & SYN))) {
		memcpy(o + n, "\1\1\10\12", 4);
		store32(o + n + 4,
			p->stamp - (s->odd & ODD_OLD ? 0x1000000 : 0));
		store32(o + n + 8, p->echo);
		n += 12;
	}
	return n;
}

/* Builds TCP's header and payload at *to; returns how many bytes. */
static inline uint32_t wire_tcp(const struct peer *p, const struct segment *s,
				const uint8_t *data, uint8_t *to)
{
	uint32_t head, sum, alen = p->v6 ? 16 : 4;

	head = 20 + wire_options(p, s, to + 20);
	store16(to, p->cport);
	store16(to + 2, p->sport);
	store32(to + 4, s->seq);
	store32(to + 8, s->ack);
	to[12] = head / 4 << 4;
	to[13] = s->flags;
	store16(to + 14, s->window);
	store16(to + 16, 0);
	store16(to + 18, s->urgent);
	memcpy(to + head, data, s->len);
	sum = sum_of(p->server, alen, sum_of(p->client, alen, 0));
	sum = sum_of(to, head + s->len, sum + IPPROTO_TCP + head + s->len);
	store16(to + 16, sum_end(sum) ^ (s->odd & ODD_TCP_SUM ? 0x0101 : 0));
	return head + s->len;
}

static inline void wire_write(const uint8_t *frame, uint32_t len)
{
	wire_packets++;
	/* EIO: the program at XDP dropped it; EINVAL: the kernel did */
	if (write(wire_fd, frame, len) < 0 && errno != EIO && errno != EINVAL)
		fail_msg("writing to the TAP device: %s", strerror(errno));
}

/*
 * Sends one IP packet with `len` bytes behind IP's header; `offset` and `more`
 * are of a fragment.
 */
static inline void wire_v4(const struct peer *p, const struct segment *s,
			   const uint8_t *l4, uint32_t len, uint32_t offset,
			   bool more, uint16_t id)
{
	uint8_t f[WIRE_MAX] = "\2\0\0\0\0\1\2\0\0\0\0\2\x08", *ip = f + 14;
	uint32_t head = 20, total;

	if (s->odd & ODD_OPTIONS) {
		head += 4 * dice_range(1, 10);
		memset(ip + 20, 1, head - 20);
	}
	total = head + len;
	ip[0] = 4 << 4 | head / 4;
	store16(ip + 2, s->odd & ODD_SHORT ? total - dice(len) / 2 - 1 : total);
	store16(ip + 4, id);
	store16(ip + 6, offset / 8 | (more ? 0x2000 : 0));
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, p->client, 4);
	memcpy(ip + 16, p->server, 4);
	store16(ip + 10, sum_end(sum_of(ip, head, 0)) ^
				 (s->odd & ODD_IP_SUM ? 0x0101 : 0));
	memcpy(ip + head, l4, len);
	if (s->odd & ODD_TRAILER)
		total += 1 + dice(40);
	wire_write(f, 14 + total);
}

/* IPv6's extension headers, then a fragment's; returns their length. */
static inline uint32_t wire_ext(const struct segment *s, uint8_t *at,
				uint8_t *first, uint8_t last)
{
	uint8_t *next = first;
	uint32_t n = 0, headers = 0;

	if (s->odd & ODD_OPTIONS)
		headers = dice(4) ? dice_range(1, 7) : dice_range(8, 100);
	for (uint32_t i = 0; i < headers; i++) {
		*next = i || dice(2) ? IPPROTO_DSTOPTS : IPPROTO_HOPOPTS;
		next = at + n;
		memcpy(next, "\0\0\1\4\0\0\0\0", 8); /* PadN */
		n += 8;
	}
	*next = last;
	return n;
}

static inline void wire_v6(const struct peer *p, const struct segment *s,
			   const uint8_t *l4, uint32_t len, uint32_t offset,
			   bool more, uint32_t id)
{
	uint8_t f[WIRE_MAX] = "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd", *ip = f + 14;
	bool fragment = offset || more || s->odd & ODD_FRAGMENTS;
	uint32_t head = 40, total;

	ip[0] = 6 << 4;
	ip[7] = 64;
	memcpy(ip + 8, p->client, 16);
	memcpy(ip + 24, p->server, 16);
	head += wire_ext(s, ip + 40, ip + 6,
			 fragment ? IPPROTO_FRAGMENT : IPPROTO_TCP);
	if (fragment) {
		ip[head] = IPPROTO_TCP;
		store16(ip + head + 2, offset | more);
		store32(ip + head + 4, id);
		head += 8;
	}
	total = head + len;
	store16(ip + 4,
		total - 40 - (s->odd & ODD_SHORT ? dice(len) / 2 + 1 : 0));
	memcpy(ip + head, l4, len);
	if (s->odd & ODD_TRAILER)
		total += 1 + dice(40);
	wire_write(f, 14 + total);
}

static inline void wire_ip(const struct peer *p, const struct segment *s,
			   const uint8_t *l4, uint32_t len, uint32_t offset,
			   bool more, uint32_t id)
{
	if (p->v6)
		wire_v6(p, s, l4, len, offset, more, id);
	else
		wire_v4(p, s, l4, len, offset, more, id);
}

/*
 * Sends a segment in fragments, in any order, some of them twice; the second
 * one, or the first, is of other bytes.
 */
static inline void wire_fragments(const struct peer *p, const struct segment *s,
				  const uint8_t *l4, uint32_t len,
				  const uint8_t *other)
{
	uint32_t cut[8] = { 0 }, n = 1, id = dice_roll();

	while (n < 6 && cut[n - 1] + 8 < len) {
		uint32_t size = 8 + 8 * dice(len / 8);

		if (p->v6 && n == 1 && size < 64 && dice(8))
			size = 64; /* all headers must be in the first one */
		if (cut[n - 1] + size >= len)
			break;
		cut[n] = cut[n - 1] + size;
		n++;
	}
	cut[n] = len;
	for (uint32_t i = 0, back = dice(2); i < n; i++) {
		uint32_t k = back ? n - 1 - i : i, size = cut[k + 1] - cut[k];
		bool more = k + 1 < n;
		const uint8_t *now = other && dice(2) ? other : l4;
		const uint8_t *then = now == l4 ? other : l4;
		struct segment plain = *s;

		plain.odd &= ~(dice(2) ? ODD_OPTIONS : 0);
		wire_ip(p, &plain, now + cut[k], size, cut[k], more, id);
		if (then && dice(2))
			wire_ip(p, s, then + cut[k], size, cut[k], more, id);
	}
}

static inline void wire_send(struct peer *p, const struct segment *s)
{
	uint8_t l4[WIRE_MAX], other[WIRE_MAX];
	uint32_t len;

	p->stamp++;
	len = wire_tcp(p, s, s->data, l4);
	if (s->odd & ODD_FRAGMENTS) {
		if (s->other)
			wire_tcp(p, s, s->other, other);
		wire_fragments(p, s, l4, len, s->other ? other : NULL);
		return;
	}
	wire_ip(p, s, l4, len, 0, false, 0);
}

/* TCP's header in a frame of the server's to this peer, or NULL. */
static inline const uint8_t *wire_to(const struct peer *p, const uint8_t *f,
				     ssize_t n, uint32_t *l4_len)
{
	const uint8_t *ip = f + 14;

	if (n < 14 + 40)
		return NULL;
	if (!p->v6) {
		if (fetch16(f + 12) != ETH_P_IP || ip[9] != IPPROTO_TCP ||
		    memcmp(ip + 16, p->client, 4))
			return NULL;
		*l4_len = fetch16(ip + 2) - 20;
		return ip + 20;
	}
	if (fetch16(f + 12) != ETH_P_IPV6 || ip[6] != IPPROTO_TCP ||
	    memcmp(ip + 24, p->client, 16))
		return NULL;
	*l4_len = fetch16(ip + 4);
	return ip + 40;
}

/* The server's next segment to this peer. False: there is none yet. */
static inline bool wire_hear(struct peer *p, struct heard *h)
{
	static uint8_t f[WIRE_MAX * 5];
	const uint8_t *tcp;
	uint32_t len, head;
	ssize_t n;

	while ((n = read(wire_fd, f, sizeof(f))) > 0) {
		tcp = wire_to(p, f, n, &len);
		if (!tcp || fetch16(tcp + 2) != p->cport)
			continue;
		head = tcp[12] / 16 * 4;
		h->seq = fetch32(tcp + 4);
		h->ack = fetch32(tcp + 8);
		h->flags = tcp[13];
		h->window = fetch16(tcp + 14);
		h->data = tcp + head;
		h->len = len - head;
		h->stamp = 0;
		for (uint32_t i = 20; i + 10 <= head;) {
			if (tcp[i] == 8)
				h->stamp = fetch32(tcp + i + 2);
			i += tcp[i] == 1 || !tcp[i] || !tcp[i + 1] ? 1 :
								     tcp[i + 1];
		}
		if (h->stamp)
			p->echo = h->stamp;
		return true;
	}
	return false;
}

/* Makes the device; its name goes to `name`. */
static inline void wire_open(char name[IFNAMSIZ])
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	wire_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (wire_fd < 0 || ioctl(wire_fd, TUNSETIFF, &r))
		fail_msg("a TAP device: %s", strerror(errno));
	memcpy(name, r.ifr_name, IFNAMSIZ);
}

#endif

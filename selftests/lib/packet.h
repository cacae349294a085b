/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames in every shape that the programs know, and what a parser can say of
 * each: built from a line of a table, with the places where it is decided.
 */
#ifndef SELFTESTS_PACKET_H
#define SELFTESTS_PACKET_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <string.h>

#include "addr.h"
#include "counters.h"

#define FRAME_MAX 131072
#define FRAME_MIN ETH_HLEN /* the kernel's test runs take no less */

#define TCP_SYN 0x02
#define TCP_PUSH 0x08
#define TCP_ACK 0x10

/* Who talks to whom; the addresses' family must be the shape's. */
struct flow {
	struct addr src, dst;
	uint16_t sport, dport;
};

struct shape {
	const char *name;
	bool v6;
	uint16_t tag[4]; /* TPIDs, outermost first; 0 ends them */
	uint8_t ihl; /* of IPv4, words; 0: 5 */
	uint16_t frag; /* of IPv4: flags and offset */
	/*
	 * IPv6 extension headers: h hop-by-hop, d destination options,
	 * r routing, a authentication, f fragment header of a first fragment,
	 * F of a later one.
	 */
	const char *ext;
	uint8_t ext_len; /* their length field */
	uint8_t proto; /* 0: TCP */
	uint8_t doff; /* of TCP, words; 0: 5 */
	uint8_t flags; /* of TCP; 0: PSH and ACK */
	bool jumbo; /* IP's length field is 0 */
	uint16_t ip_len; /* its length field, if not the right one */
	int len_add; /* to IP's length field */
	uint8_t trailer; /* bytes behind the IP packet */
	uint16_t ethertype; /* instead of IP's */
	uint8_t version; /* instead of IP's, and no EtherType if raw */
	/* COUNTER_OUT_* if layers 2 and 3 can't be followed, else 0. */
	enum counter why;
};

struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t len;
	uint32_t l3, l4, payload; /* offsets */
	uint32_t settled; /* so many bytes tell whether it can be followed */
	uint32_t stop; /* where IP says that it ends */
};

static inline void put(struct frame *f, const void *bytes, uint32_t n)
{
	memcpy(f->data + f->len, bytes, n);
	f->len += n;
}

static inline void put_fill(struct frame *f, uint8_t byte, uint32_t n)
{
	memset(f->data + f->len, byte, n);
	f->len += n;
}

static inline void put16(struct frame *f, uint16_t v)
{
	v = htons(v);
	put(f, &v, 2);
}

static inline void put32(struct frame *f, uint32_t v)
{
	v = htonl(v);
	put(f, &v, 4);
}

static inline void put_ethernet(struct frame *f, const struct shape *s)
{
	uint16_t type = s->v6 ? ETH_P_IPV6 : ETH_P_IP;

	put(f, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 2 * ETH_ALEN);
	for (int i = 0; i < 4 && s->tag[i]; i++) {
		put16(f, s->tag[i]);
		put16(f, 100 + i);
	}
	put16(f, s->ethertype ? s->ethertype : type);
	f->settled =
		s->why == COUNTER_OUT_VLAN_DEPTH ? 2 * ETH_ALEN + 10 : f->len;
}

static inline void put_ipv4(struct frame *f, const struct shape *s,
			    const struct flow *flow)
{
	uint8_t ihl = s->ihl ? s->ihl : 5;

	put_fill(f, (s->version ? s->version : 4) << 4 | ihl, 1);
	put_fill(f, 0, 1);
	put16(f, 0); /* the length: see frame_build() */
	put16(f, 1);
	put16(f, s->frag);
	put_fill(f, 64, 1);
	put_fill(f, s->proto ? s->proto : IPPROTO_TCP, 1);
	put16(f, 0);
	put(f, &flow->src.d[3], 4);
	put(f, &flow->dst.d[3], 4);
	if (s->why >= COUNTER_OUT_BAD_IP)
		f->settled = f->len;
	if (ihl > 5)
		put_fill(f, 1, ihl * 4 - 20);
	if (!s->why)
		f->settled = f->len;
}

static inline uint8_t ext_proto(char letter)
{
	switch (letter) {
	case 'h':
		return IPPROTO_HOPOPTS;
	case 'd':
		return IPPROTO_DSTOPTS;
	case 'r':
		return IPPROTO_ROUTING;
	case 'a':
		return IPPROTO_AH;
	default:
		return IPPROTO_FRAGMENT;
	}
}

static inline void put_ext(struct frame *f, const struct shape *s, uint8_t last)
{
	for (const char *e = s->ext; *e; e++) {
		uint32_t len = (s->ext_len + 1) * 8;

		put_fill(f, e[1] ? ext_proto(e[1]) : last, 1);
		if (*e == 'f' || *e == 'F') {
			put_fill(f, 0, 1);
			put16(f, *e == 'f' ? 1 : 8 | 1); /* more follow */
			len = 8;
		} else {
			put_fill(f, s->ext_len, 1);
			put16(f, 0);
			if (*e == 'a')
				len = (s->ext_len + 2) * 4;
		}
		put_fill(f, 0, len - 4);
		if (*e == 'F' && s->why == COUNTER_OUT_FRAGMENT) {
			f->settled = f->len;
			return;
		}
		if (s->why != COUNTER_OUT_EXT_HEADERS || e - s->ext < 8)
			f->settled = f->len;
	}
}

static inline void put_ipv6(struct frame *f, const struct shape *s,
			    const struct flow *flow)
{
	uint8_t last = s->proto ? s->proto : IPPROTO_TCP;

	put32(f, (s->version ? s->version : 6) << 28);
	put16(f, 0); /* the length: see frame_build() */
	put_fill(f, s->ext ? ext_proto(*s->ext) : last, 1);
	put_fill(f, 64, 1);
	put(f, &flow->src, 16);
	put(f, &flow->dst, 16);
	if (!s->why || s->why >= COUNTER_OUT_BAD_IP)
		f->settled = f->len;
	if (s->ext)
		put_ext(f, s, last);
}

static inline void put_l4(struct frame *f, const struct shape *s,
			  const struct flow *flow, uint32_t seq)
{
	uint8_t doff = s->doff ? s->doff : 5;

	put16(f, flow->sport);
	put16(f, flow->dport);
	if (s->proto && s->proto != IPPROTO_TCP) { /* like UDP, if at all */
		put32(f, 0);
		return;
	}
	put32(f, seq);
	put32(f, 1);
	put_fill(f, doff << 4, 1);
	put_fill(f, s->flags ? s->flags : TCP_PUSH | TCP_ACK, 1);
	put16(f, 8192);
	put32(f, 0);
	if (doff > 5)
		put_fill(f, 1, doff * 4 - 20);
}

/* raw: without what is in front of the IP header. */
static inline void frame_build(struct frame *f, const struct shape *s,
			       const struct flow *flow, bool raw, uint32_t seq,
			       const void *payload, uint32_t payload_len)
{
	uint16_t len;

	f->len = f->settled = 0;
	if (!raw)
		put_ethernet(f, s);
	f->l3 = f->len;
	if (s->v6)
		put_ipv6(f, s, flow);
	else
		put_ipv4(f, s, flow);
	if (raw && s->why == COUNTER_OUT_NOT_IP)
		f->settled = 1;
	f->l4 = f->len;
	put_l4(f, s, flow, seq);
	f->payload = f->len;
	if (payload_len)
		put(f, payload, payload_len);
	len = f->len - f->l3 - (s->v6 ? 40 : 0) + s->len_add;
	if (s->ip_len || s->jumbo)
		len = s->ip_len;
	put_fill(f, 0, s->trailer);
	f->stop = len ? f->l3 + len + (s->v6 ? 40 : 0) : UINT32_MAX;
	len = htons(len);
	memcpy(f->data + f->l3 + (s->v6 ? 4 : 2), &len, 2);
}

/* 10.<b>.<c>.<d>, or an address in 2001:db8:<b>:<c>::/64. */
static inline struct addr address(bool v6, uint8_t b, uint8_t c, uint8_t d)
{
	struct addr a = {};

	if (v6) {
		memcpy(a.b, "\x20\x01\x0d\xb8", 4);
		a.b[5] = b;
		a.b[7] = c;
		a.b[15] = d;
	} else {
		a.d[2] = ADDR_V4_WORD;
		a.b[12] = 10;
		a.b[13] = b;
		a.b[14] = c;
		a.b[15] = d;
	}
	return a;
}

#define Q ETH_P_8021Q
#define AD ETH_P_8021AD

/* Without Ethernet there are no tags, and the version is the only type. */
static inline bool shape_fits(const struct shape *s, bool raw)
{
	return !raw ||
	       (!s->tag[0] && !(s->version && s->why == COUNTER_OUT_BAD_IP));
}

static const struct shape shapes[] = {
	{ .name = "v4" },
	{ .name = "v6", .v6 = true },
	/* Layer 2 */
	{ .name = "v4, 802.1Q", .tag = { Q } },
	{ .name = "v6, 802.1Q", .v6 = true, .tag = { Q } },
	{ .name = "v4, QinQ", .tag = { AD, Q } },
	{ .name = "v6, QinQ", .v6 = true, .tag = { AD, Q } },
	{ .name = "v4, 802.1Q twice", .tag = { Q, Q } },
	{ .name = "v6, three tags",
	  .v6 = true,
	  .tag = { AD, Q, Q },
	  .why = COUNTER_OUT_VLAN_DEPTH },
	{ .name = "v4, four tags",
	  .tag = { AD, AD, Q, Q },
	  .why = COUNTER_OUT_VLAN_DEPTH },
	{ .name = "ARP",
	  .ethertype = ETH_P_ARP,
	  .version = 1,
	  .why = COUNTER_OUT_NOT_IP },
	{ .name = "ARP, 802.1Q",
	  .tag = { Q },
	  .ethertype = ETH_P_ARP,
	  .version = 15,
	  .why = COUNTER_OUT_NOT_IP },
	{ .name = "PPPoE, QinQ",
	  .tag = { AD, Q },
	  .ethertype = ETH_P_PPP_SES,
	  .version = 5,
	  .why = COUNTER_OUT_NOT_IP },
	{ .name = "802.3 length",
	  .ethertype = 1500,
	  .version = 7,
	  .why = COUNTER_OUT_NOT_IP },
	/* IPv4 */
	{ .name = "v4, options of 4", .ihl = 6 },
	{ .name = "v4, options of 8", .ihl = 7 },
	{ .name = "v4, options of 12", .ihl = 8 },
	{ .name = "v4, options of 16", .ihl = 9 },
	{ .name = "v4, options of 20", .ihl = 10 },
	{ .name = "v4, options of 24", .ihl = 11, .tag = { Q } },
	{ .name = "v4, options of 28", .ihl = 12 },
	{ .name = "v4, options of 32", .ihl = 13 },
	{ .name = "v4, options of 36", .ihl = 14, .tag = { AD, Q } },
	{ .name = "v4, options of 40", .ihl = 15 },
	{ .name = "v4, header of 16", .ihl = 4, .why = COUNTER_OUT_BAD_IP },
	{ .name = "v4, header of 4", .ihl = 1, .why = COUNTER_OUT_BAD_IP },
	{ .name = "v4, DF", .frag = 0x4000 },
	{ .name = "v4, first fragment", .frag = 0x2000 },
	{ .name = "v4, second fragment",
	  .frag = 0x2001,
	  .why = COUNTER_OUT_FRAGMENT },
	{ .name = "v4, last fragment",
	  .frag = 0x1fff,
	  .why = COUNTER_OUT_FRAGMENT },
	{ .name = "v4, fragment with options",
	  .frag = 0x00b9,
	  .ihl = 8,
	  .why = COUNTER_OUT_FRAGMENT },
	{ .name = "v4, no length", .jumbo = true },
	{ .name = "v4, trailer", .trailer = 6 },
	{ .name = "v4, version 6 in it",
	  .version = 6,
	  .why = COUNTER_OUT_BAD_IP },
	/* IPv6 */
	{ .name = "v6, hop-by-hop", .v6 = true, .ext = "h" },
	{ .name = "v6, routing", .v6 = true, .ext = "r", .ext_len = 2 },
	{ .name = "v6, destination options", .v6 = true, .ext = "d" },
	{ .name = "v6, long options", .v6 = true, .ext = "d", .ext_len = 31 },
	{ .name = "v6, longest options",
	  .v6 = true,
	  .ext = "h",
	  .ext_len = 255 },
	{ .name = "v6, authentication", .v6 = true, .ext = "a", .ext_len = 4 },
	{ .name = "v6, first fragment", .v6 = true, .ext = "f" },
	{ .name = "v6, later fragment",
	  .v6 = true,
	  .ext = "F",
	  .why = COUNTER_OUT_FRAGMENT },
	{ .name = "v6, all in order",
	  .v6 = true,
	  .ext = "hdrfad",
	  .ext_len = 1,
	  .tag = { Q } },
	{ .name = "v6, later fragment behind options",
	  .v6 = true,
	  .ext = "hdrFd",
	  .why = COUNTER_OUT_FRAGMENT },
	{ .name = "v6, seven headers", .v6 = true, .ext = "ddddddd" },
	{ .name = "v6, eight headers",
	  .v6 = true,
	  .ext = "hdrfaddd",
	  .tag = { AD, Q } },
	{ .name = "v6, nine headers",
	  .v6 = true,
	  .ext = "hdrfadddd",
	  .why = COUNTER_OUT_EXT_HEADERS },
	{ .name = "v6, ten headers",
	  .v6 = true,
	  .ext = "dddddddddd",
	  .ext_len = 3,
	  .why = COUNTER_OUT_EXT_HEADERS },
	{ .name = "v6, ninth is a fragment",
	  .v6 = true,
	  .ext = "ddddddddF",
	  .why = COUNTER_OUT_EXT_HEADERS },
	{ .name = "v6, jumbogram", .v6 = true, .ext = "h", .jumbo = true },
	{ .name = "v6, no length", .v6 = true, .jumbo = true },
	{ .name = "v6, trailer", .v6 = true, .trailer = 6 },
	{ .name = "v6, version 4 in it",
	  .v6 = true,
	  .version = 4,
	  .why = COUNTER_OUT_BAD_IP },
	/* TCP */
	{ .name = "v4, TCP options of 4", .doff = 6 },
	{ .name = "v4, TCP options of 8", .doff = 7, .ihl = 15 },
	{ .name = "v4, TCP options of 12", .doff = 8 },
	{ .name = "v6, TCP options of 12", .v6 = true, .doff = 8 },
	{ .name = "v4, TCP options of 16", .doff = 9 },
	{ .name = "v6, TCP options of 20", .v6 = true, .doff = 10 },
	{ .name = "v4, TCP options of 24", .doff = 11 },
	{ .name = "v6, TCP options of 28", .v6 = true, .doff = 12 },
	{ .name = "v4, TCP options of 32", .doff = 13 },
	{ .name = "v4, TCP options of 36", .doff = 14, .tag = { Q } },
	{ .name = "v6, TCP options of 40",
	  .v6 = true,
	  .doff = 15,
	  .ext = "hd" },
	{ .name = "v4, TCP header of 16", .doff = 4 },
	{ .name = "v6, TCP header of 4", .v6 = true, .doff = 1 },
	/* Lengths that aren't true. */
	{ .name = "v4, shorter than its header",
	  .ip_len = 19,
	  .why = COUNTER_OUT_BAD_IP },
	{ .name = "v4, shorter than its options",
	  .ihl = 15,
	  .ip_len = 59,
	  .why = COUNTER_OUT_BAD_IP },
	{ .name = "v4, nothing but its header", .ip_len = 20 },
	{ .name = "v4, shorter than TCP's options", .doff = 15, .ip_len = 79 },
	{ .name = "v4, longer by 1", .len_add = 1 },
	{ .name = "v4, longest", .ip_len = 65535 },
	{ .name = "v6, shorter than TCP", .v6 = true, .ip_len = 19 },
	{ .name = "v6, shorter than its options",
	  .v6 = true,
	  .ext = "hd",
	  .ip_len = 1 },
	{ .name = "v6, longer by 1", .v6 = true, .len_add = 1 },
	{ .name = "v6, longest", .v6 = true, .ip_len = 65535 },
	/* Other protocols: nothing of ours, and nothing wrong. */
	{ .name = "v4, UDP", .proto = IPPROTO_UDP },
	{ .name = "v6, UDP", .v6 = true, .proto = IPPROTO_UDP },
	{ .name = "v4, ICMP", .proto = IPPROTO_ICMP },
	{ .name = "v6, UDP behind options",
	  .v6 = true,
	  .ext = "hd",
	  .proto = IPPROTO_UDP },
	{ .name = "v6, ICMPv6", .v6 = true, .proto = IPPROTO_ICMPV6 },
	{ .name = "v6, no next header", .v6 = true, .proto = IPPROTO_NONE },
	{ .name = "v4, SCTP, 802.1Q", .proto = IPPROTO_SCTP, .tag = { Q } },
};

#undef Q
#undef AD

#endif

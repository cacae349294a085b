/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parses layers 2 to 4 for the gate and the tc programs. Nothing in a packet is
 * trusted: what cannot be followed is named by enum parse_result, and the
 * caller lets the packet pass. Pure.
 */
#ifndef SMTPXDP_PARSE_H
#define SMTPXDP_PARSE_H

#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>

#include "addr.h"
#include "bound.h"
#include "pure/function.h"

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif
#define VLAN_DEPTH 2 /* 802.1Q, or 802.1ad around it */
#define EXT_HEADERS_MAX 8 /* RFC 8200, 4.1: six kinds, one of them twice */

#define IP_OFFSET_MASK 0x1fff
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET_MASK 0xfff8

/* In the order of PARSE_REASONS (include/counters.h). */
enum parse_result {
	PARSE_TRUNCATED,
	PARSE_NOT_IP,
	PARSE_VLAN_DEPTH,
	PARSE_BAD_IP,
	PARSE_EXT_HEADERS,
	PARSE_FRAGMENT, /* not the first fragment; the addresses are known */
	PARSE_OK,
};

struct cursor {
	void *pos;
	void *end;
};

/* The header behind IP's, and its offset in the frame. */
struct behind_ip {
	__u32 l4;
	__u32 proto; /* IPPROTO_* */
};

struct packet {
	struct addr src;
	struct addr dst;
	__u32 l3; /* offset of IP's header in the frame */
	__u32 l3_len; /* bytes from l3 as IP says; 0: more than IP can say */
	struct behind_ip behind;
	bool v6;
};

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

/* The beginning of any IPv6 extension header. */
struct ext_header {
	__u8 next;
	__u8 len;
	__be16 offset; /* fragment header only */
	__be32 rest;
};

/* Passes the Ethernet header and VLAN_DEPTH tags; *proto is what follows. */
static __always_inline enum parse_result parse_ethernet(struct cursor *c,
							__be16 *proto)
{
	struct ethhdr *eth = c->pos;

	if ((void *)(eth + 1) > c->end)
		return PARSE_TRUNCATED;
	c->pos = eth + 1;
	*proto = eth->h_proto;
	UNROLL
	for (int i = 0; i <= VLAN_DEPTH; i++) {
		struct vlan_tag *tag = c->pos;

		if (*proto != bpf_htons(ETH_P_8021Q) &&
		    *proto != bpf_htons(ETH_P_8021AD))
			return PARSE_OK;
		if (i == VLAN_DEPTH)
			break;
		if ((void *)(tag + 1) > c->end)
			return PARSE_TRUNCATED;
		c->pos = tag + 1;
		*proto = tag->proto;
	}
	return PARSE_VLAN_DEPTH;
}

/* For a device without Ethernet headers: the IP version gives *proto. */
static __always_inline enum parse_result parse_raw(struct cursor *c,
						   __be16 *proto)
{
	__u8 *version = c->pos;

	if ((void *)(version + 1) > c->end)
		return PARSE_TRUNCATED;
	switch (*version >> 4) {
	case 4:
		*proto = bpf_htons(ETH_P_IP);
		return PARSE_OK;
	case 6:
		*proto = bpf_htons(ETH_P_IPV6);
		return PARSE_OK;
	default:
		return PARSE_NOT_IP;
	}
}

static __always_inline void map_v4(struct addr *a, __be32 v4)
{
	a->q[0] = 0;
	a->d[2] = ADDR_V4_WORD;
	a->d[3] = v4;
}

/* Passes IPv4's header with its options (RFC 791, 3.1). */
static __always_inline enum parse_result parse_ipv4(struct cursor *c,
						    struct packet *p)
{
	struct iphdr *ip = c->pos;
	__u32 hlen;

	if ((void *)(ip + 1) > c->end)
		return PARSE_TRUNCATED;
	hlen = ip->ihl * 4;
	if (ip->version != 4 || hlen < sizeof(*ip))
		return PARSE_BAD_IP;
	p->l3_len = bpf_ntohs(ip->tot_len);
	if (p->l3_len && p->l3_len < hlen)
		return PARSE_BAD_IP;
	map_v4(&p->src, ip->saddr);
	map_v4(&p->dst, ip->daddr);
	p->behind.proto = ip->protocol;
	if (ip->frag_off & bpf_htons(IP_OFFSET_MASK))
		return PARSE_FRAGMENT;
	if (c->pos + hlen > c->end)
		return PARSE_TRUNCATED;
	c->pos += hlen;
	return PARSE_OK;
}

/* Passes IPv6's fixed header (RFC 8200, 3). */
static __always_inline enum parse_result parse_ipv6(struct cursor *c,
						    struct packet *p)
{
	struct ipv6hdr *ip6 = c->pos;

	if ((void *)(ip6 + 1) > c->end)
		return PARSE_TRUNCATED;
	if (ip6->version != 6)
		return PARSE_BAD_IP;
	/* 0: a jumbogram (RFC 2675), or a GSO packet above 64 KiB */
	p->l3_len = ip6->payload_len ?
			    sizeof(*ip6) + bpf_ntohs(ip6->payload_len) :
			    0;
	__builtin_memcpy(&p->src, &ip6->saddr, sizeof(p->src));
	__builtin_memcpy(&p->dst, &ip6->daddr, sizeof(p->dst));
	p->behind.proto = ip6->nexthdr;
	p->v6 = true;
	c->pos = ip6 + 1;
	return PARSE_OK;
}

/*
 * Parses a frame up to the end of IP's header; of IPv6, parse_ext() continues
 * behind the fixed header. PARSE_OK sets all of *p, PARSE_FRAGMENT src, dst and
 * behind.proto.
 */
static __always_inline enum parse_result
parse_packet(void *data, void *end, bool ethernet, struct packet *p)
{
	struct cursor c = { data, end };
	enum parse_result r;
	__be16 proto = 0;

	r = ethernet ? parse_ethernet(&c, &proto) : parse_raw(&c, &proto);
	if (r != PARSE_OK)
		return r;
	p->l3 = c.pos - data;
	if (proto == bpf_htons(ETH_P_IP))
		r = parse_ipv4(&c, p);
	else if (proto == bpf_htons(ETH_P_IPV6))
		r = parse_ipv6(&c, p);
	else
		return PARSE_NOT_IP;
	p->behind.l4 = c.pos - data;
	return r;
}

/*
 * The caller's function to copy `len` bytes at `off` of the frame; nonzero:
 * they are not there.
 */
typedef long (*frame_load)(void *frame, __u32 off, void *to, __u32 len);

/*
 * Passes IPv6 extension headers (RFC 8200, 4). It works on offsets: the
 * verifier treats them as plain numbers and checks the loop once, while
 * pointers would make it follow each path.
 */
static __always_inline enum parse_result
parse_ext(void *frame, frame_load load, __u32 size, struct behind_ip *b)
{
	for (int i = 0; i <= EXT_HEADERS_MAX; i++) {
		struct ext_header h;
		__u32 len;

		if (b->proto != IPPROTO_HOPOPTS &&
		    b->proto != IPPROTO_ROUTING &&
		    b->proto != IPPROTO_DSTOPTS &&
		    b->proto != IPPROTO_FRAGMENT && b->proto != IPPROTO_AH)
			return PARSE_OK;
		if (i == EXT_HEADERS_MAX)
			break;
		if (load(frame, b->l4, &h, sizeof(h)))
			return PARSE_TRUNCATED;
		if (b->proto == IPPROTO_FRAGMENT) {
			if (h.offset & bpf_htons(IP6_OFFSET_MASK))
				return PARSE_FRAGMENT;
			len = 8;
		} else if (b->proto == IPPROTO_AH) {
			len = (h.len + 2) * 4; /* RFC 4302, 2.2 */
		} else {
			len = (h.len + 1) * 8;
		}
		b->proto = h.next;
		b->l4 += len;
		if (b->l4 > size)
			return PARSE_TRUNCATED;
	}
	return PARSE_EXT_HEADERS;
}

/* The result of glance(). */
struct glance {
	bool v6;
	__u8 proto; /* IPPROTO_* behind IP's header */
	void *l3;
	struct tcphdr *tcp; /* valid only if proto is IPPROTO_TCP */
};

/*
 * Recognizes the usual packet without a walk: no VLAN tag, IP option or
 * fragment, as many bytes in reach as a TCP header takes; of IPv6, only TCP.
 * For these, parse_packet() would return PARSE_OK and the same. False: call
 * parse_packet().
 */
static __always_inline bool glance(void *data, void *end, bool ethernet,
				   struct glance *g)
{
	struct ethhdr *eth = data;

	g->l3 = ethernet ? (void *)(eth + 1) : data;
	g->tcp = g->l3 + sizeof(struct iphdr);
	if ((void *)(g->tcp + 1) > end)
		return false;
	if (ethernet ? eth->h_proto == bpf_htons(ETH_P_IP) :
		       *(__u8 *)g->l3 >> 4 == 4) {
		struct iphdr *ip = g->l3;

		g->v6 = false;
		g->proto = ip->protocol;
		return *(__u8 *)ip == 0x45 &&
		       !(ip->frag_off & bpf_htons(IP_OFFSET_MASK)) &&
		       bpf_ntohs(ip->tot_len) >= sizeof(*ip);
	}
	g->tcp = g->l3 + sizeof(struct ipv6hdr);
	if ((void *)(g->tcp + 1) > end)
		return false;
	g->v6 = true;
	g->proto = IPPROTO_TCP;
	return (!ethernet || eth->h_proto == bpf_htons(ETH_P_IPV6)) &&
	       *(__u8 *)g->l3 >> 4 == 6 &&
	       ((struct ipv6hdr *)g->l3)->nexthdr == IPPROTO_TCP;
}

static __always_inline void glance_src(const struct glance *g, struct addr *a)
{
	if (g->v6)
		__builtin_memcpy(a, &((struct ipv6hdr *)g->l3)->saddr,
				 sizeof(*a));
	else
		map_v4(a, ((struct iphdr *)g->l3)->saddr);
}

/* Bytes from IP's header on, as that says; 0: more than it can say. */
static __always_inline __u32 glance_ip_len(const struct glance *g)
{
	__u32 len;

	if (!g->v6)
		return bpf_ntohs(((struct iphdr *)g->l3)->tot_len);
	len = bpf_ntohs(((struct ipv6hdr *)g->l3)->payload_len);
	return len ? sizeof(struct ipv6hdr) + len : 0;
}

static __always_inline void glance_dst(const struct glance *g, struct addr *a)
{
	if (g->v6)
		__builtin_memcpy(a, &((struct ipv6hdr *)g->l3)->daddr,
				 sizeof(*a));
	else
		map_v4(a, ((struct iphdr *)g->l3)->daddr);
}

#endif

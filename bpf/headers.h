/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the tc programs: the headers of a packet, and a per-CPU workspace. */
#ifndef SMTPXDP_HEADERS_H
#define SMTPXDP_HEADERS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "pure/parse.h"
#include "sighting.h"

/* Headers end within this: Ethernet, VLAN tags, IPv6 and extensions, TCP. */
#define PULL_BYTES 256

/* Where a packet's headers are; offsets in the skb. */
struct headers {
	struct addr src;
	struct addr dst;
	__u32 l3; /* offset of IP's header */
	__u32 l3_len; /* bytes from l3 as IP says; 0: more than IP can say */
	struct behind_ip behind;
	__u32 v6;
};

/*
 * Scratch memory of the tc programs, too large for the BPF stack (kernels
 * before 6.9 round each frame up to 32 bytes). Per CPU: no other tc program
 * interrupts this one there.
 */
struct workspace {
	struct stream stream;
	struct sighting at;
	struct stream_key key;
	struct headers headers;
	struct tcphdr tcp;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct workspace);
} scratch MAP;

/*
 * Parses the headers into *h; returns enum parse_result. A global function,
 * verified once: if it were inlined, the verifier would follow all later code
 * for each path, a million instructions.
 */
__noinline __weak int find_headers(struct __sk_buff *skb, int ethernet,
				   struct headers *h)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct packet p = {};
	enum parse_result r;

	if (!h)
		return PARSE_TRUNCATED;
	r = parse_packet(data, end, ethernet, &p);
	if (r != PARSE_OK)
		return r;
	h->src = p.src;
	h->dst = p.dst;
	h->l3 = p.l3;
	h->l3_len = p.l3_len;
	h->behind = p.behind;
	h->v6 = p.v6;
	return PARSE_OK;
}

static __always_inline long load_skb(void *skb, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes(skb, off, to, len);
}

/* Skips IPv6 extension headers. Global, as find_headers(). */
__noinline __weak int pass_ext(struct __sk_buff *skb, struct behind_ip *b)
{
	return b ? parse_ext(skb, load_skb, skb->len, b) : PARSE_TRUNCATED;
}

/* Fills in the headers of a packet that glance() could handle. */
static __always_inline void take_headers(struct workspace *w, const void *data,
					 const struct glance *g)
{
	struct headers *h = &w->headers;

	glance_src(g, &h->src);
	glance_dst(g, &h->dst);
	h->behind.proto = g->proto;
	h->behind.l4 = (void *)g->tcp - data;
	h->l3 = g->l3 - data;
	h->l3_len = glance_ip_len(g);
	__builtin_memcpy(&w->tcp, g->tcp, sizeof(w->tcp));
}

/*
 * Parses the headers of a packet that glance() could not handle, and copies its
 * TCP header; returns enum parse_result.
 */
static __always_inline int load_headers(struct workspace *w,
					struct __sk_buff *skb, bool ethernet)
{
	struct headers *h = &w->headers;
	int r = find_headers(skb, ethernet, h);

	if (r == PARSE_TRUNCATED) {
		/* A forwarded packet: those of local sockets are linear. */
		bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len :
							       PULL_BYTES);
		r = find_headers(skb, ethernet, h);
	}
	if (r == PARSE_OK && h->v6)
		r = pass_ext(skb, &h->behind);
	if (r == PARSE_OK && h->behind.proto == IPPROTO_TCP &&
	    bpf_skb_load_bytes(skb, h->behind.l4, &w->tcp, sizeof(w->tcp)))
		return PARSE_TRUNCATED;
	return r;
}

/* Finds TCP's payload, [off, end) of the skb. -1: the header is impossible. */
static __always_inline int find_payload(const struct workspace *w, __u32 len,
					__u32 *off, __u32 *end)
{
	const struct headers *h = &w->headers;

	*off = h->behind.l4 + w->tcp.doff * 4;
	*end = h->l3_len ? h->l3 + h->l3_len : len;
	return w->tcp.doff < 5 || *off > *end ? -1 : 0;
}

/* Loads bytes at an offset from the network header. False: not there. */
static __always_inline bool load(struct __sk_buff *skb, __u32 off, void *to,
				 __u32 len)
{
	return !bpf_skb_load_bytes_relative(skb, off, to, len,
					    BPF_HDR_START_NET);
}

/* Do the linear bytes end n bytes behind the network header? */
static __always_inline bool ends_at(struct __sk_buff *skb, __u32 n)
{
	__u8 byte;

	return load(skb, n - 1, &byte, 1) && !load(skb, n, &byte, 1);
}

/*
 * Bytes from data to the network header, which no field of the context tells:
 * ETH_HLEN, or 0 on a device without Ethernet headers and where generic XDP has
 * copied the packet (mac_len is 0 then, since Linux 6.9). Found by the end of
 * the linear bytes, which is the same place for both offsets. -1: neither.
 */
static __always_inline int l2_len(struct __sk_buff *skb)
{
	__u32 linear = (long)skb->data_end - (long)skb->data;

	if (ends_at(skb, linear - ETH_HLEN))
		return ETH_HLEN;
	return ends_at(skb, linear) ? 0 : -1;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the listener: which packets are a client's segments, in the one shape
 * that is read, and which come in other shapes.
 */
#ifndef SMTPXDP_SHAPES_H
#define SMTPXDP_SHAPES_H

#include "headers.h"
#include "maps.h"

/* IPv6 extension headers of one packet: 64 KiB of them. */
#define WALK_STEPS 8192

static __always_inline bool pull(struct __sk_buff *skb)
{
	return !bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len :
							       PULL_BYTES);
}

/*
 * Fills the workspace with a segment's headers; offsets are from the network
 * header. NULL cannot happen.
 */
static __always_inline struct workspace *
take_tcp(__u32 l3, __u32 l3_len, __u32 l4, const struct tcphdr *tcp)
{
	__u32 zero = 0;
	struct workspace *w = bpf_map_lookup_elem(&scratch, &zero);

	if (!w)
		return NULL;
	w->headers.l3 = l3;
	w->headers.l3_len = l3_len;
	w->headers.behind.l4 = l4;
	w->tcp = *tcp;
	w->key.server_port = tcp->dest;
	w->key.client_port = tcp->source;
	return w;
}

/* The headers of an IPv4 segment to a mail port, or NULL. */
static __always_inline struct workspace *
take_v4(struct __sk_buff *skb, const struct settings *s, __u32 l3)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} h;
	struct workspace *w;

	if (!load(skb, l3, &h, sizeof(h)) &&
	    !(pull(skb) && load(skb, l3, &h, sizeof(h))))
		return NULL;
	if (*(__u8 *)&h.ip != 0x45 || h.ip.protocol != IPPROTO_TCP ||
	    h.ip.frag_off & bpf_htons(IP_OFFSET_MASK | IP_MORE_FRAGMENTS) ||
	    bpf_ntohs(h.ip.tot_len) < sizeof(h) ||
	    !port_is_mail(s, bpf_ntohs(h.tcp.dest)))
		return NULL;
	w = take_tcp(l3, bpf_ntohs(h.ip.tot_len), l3 + sizeof(h.ip), &h.tcp);
	if (w) {
		map_v4(&w->key.client, h.ip.saddr);
		map_v4(&w->key.server, h.ip.daddr);
	}
	return w;
}

/* The headers of an IPv6 segment to a mail port, or NULL. */
static __always_inline struct workspace *
take_v6(struct __sk_buff *skb, const struct settings *s, __u32 l3)
{
	struct {
		struct ipv6hdr ip;
		struct tcphdr tcp;
	} h;
	struct workspace *w;
	__u32 len;

	if (!load(skb, l3, &h, sizeof(h)) &&
	    !(pull(skb) && load(skb, l3, &h, sizeof(h))))
		return NULL;
	if (*(__u8 *)&h.ip >> 4 != 6 || h.ip.nexthdr != IPPROTO_TCP ||
	    !port_is_mail(s, bpf_ntohs(h.tcp.dest)))
		return NULL;
	len = bpf_ntohs(h.ip.payload_len);
	w = take_tcp(l3, len ? sizeof(h.ip) + len : 0, l3 + sizeof(h.ip),
		     &h.tcp);
	if (w) {
		__builtin_memcpy(&w->key.client, &h.ip.saddr,
				 sizeof(w->key.client));
		__builtin_memcpy(&w->key.server, &h.ip.daddr,
				 sizeof(w->key.server));
	}
	return w;
}

/* Is it the number of an IPv6 extension header (RFC 8200, 4)? */
static __always_inline bool is_ext(__u32 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING ||
	       proto == IPPROTO_DSTOPTS || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_AH;
}

/* IPv4 with TCP to a mail port at l3? True if it is out of reach. */
static __always_inline bool may_be_v4(const void *l3, const void *end,
				      const struct settings *s)
{
	const struct iphdr *ip = l3;
	const struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end)
		return true;
	return ip->version == 4 && ip->protocol == IPPROTO_TCP &&
	       (ip->ihl != 5 || port_is_mail(s, bpf_ntohs(tcp->dest)));
}

/* IPv6 with TCP to a mail port at l3? True if it is out of reach. */
static __always_inline bool may_be_v6(const void *l3, const void *end,
				      const struct settings *s)
{
	const struct ipv6hdr *ip = l3;
	const struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end)
		return true;
	return *(__u8 *)ip >> 4 == 6 &&
	       (is_ext(ip->nexthdr) || (ip->nexthdr == IPPROTO_TCP &&
					port_is_mail(s, bpf_ntohs(tcp->dest))));
}

/*
 * A quick look without helpers: false only if the packet is not TCP for a mail
 * port, whether the IP header is at data or behind an Ethernet header. A packet
 * that is made to look like mail costs a proper look by take().
 */
static __always_inline bool may_be_mail(struct __sk_buff *skb,
					const struct settings *s)
{
	const void *data = (void *)(long)skb->data;
	const void *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return may_be_v4(data + ETH_HLEN, end, s) ||
		       may_be_v4(data, end, s);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return may_be_v6(data + ETH_HLEN, end, s) ||
		       may_be_v6(data, end, s);
	return true;
}

/* A walk along IPv6 extension headers. */
struct walk {
	struct __sk_buff *skb;
	struct behind_ip behind;
};

/* Passes one header; 1 to end. parse_ext() passes a few, without a call. */
static long walk_step(__u32 i, void *ctx)
{
	struct walk *x = ctx;
	struct behind_ip *b = &x->behind;
	struct ext_header h;

	if (!is_ext(b->proto) || !load(x->skb, b->l4, &h, sizeof(h)))
		return 1;
	if (b->proto == IPPROTO_FRAGMENT &&
	    h.offset & bpf_htons(IP6_OFFSET_MASK))
		return 1;
	b->l4 += b->proto == IPPROTO_FRAGMENT ? 8 :
		 b->proto == IPPROTO_AH	      ? (h.len + 2) * 4 :
						(h.len + 1) * 8;
	b->proto = h.next;
	return 0;
}

/* The addresses of an IPv4 packet, and where TCP's header is; 0: nowhere. */
static __always_inline __u32 find_v4(struct __sk_buff *skb, __u32 l3,
				     struct stream_key *key)
{
	struct iphdr ip;

	if (!load(skb, l3, &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP ||
	    ip.frag_off & bpf_htons(IP_OFFSET_MASK))
		return 0;
	map_v4(&key->client, ip.saddr);
	map_v4(&key->server, ip.daddr);
	return l3 + ip.ihl * 4;
}

/* The same of IPv6, behind as many extension headers as there may be. */
static __always_inline __u32 find_v6(struct __sk_buff *skb, __u32 l3,
				     struct stream_key *key)
{
	struct ipv6hdr ip;
	struct walk x = { .skb = skb };

	if (!load(skb, l3, &ip, sizeof(ip)))
		return 0;
	__builtin_memcpy(&key->client, &ip.saddr, sizeof(key->client));
	__builtin_memcpy(&key->server, &ip.daddr, sizeof(key->server));
	x.behind.l4 = l3 + sizeof(ip);
	x.behind.proto = ip.nexthdr;
	bpf_loop(WALK_STEPS, walk_step, &x, 0);
	return x.behind.proto == IPPROTO_TCP ? x.behind.l4 : 0;
}

/*
 * Gives up the dialogue of a packet that is not of the usual shape: a socket
 * takes it all the same, but what it says is not read. Of fragments the first
 * one tells the ports, and nothing is put together without it. A global
 * function: verified once.
 */
__noinline __weak int give_up(struct __sk_buff *skb, __u32 l3, __u32 v6)
{
	struct stream_key key = {};
	struct wire_dialogue *w;
	__be16 port[2];
	__u32 l4;

	l4 = v6 ? find_v6(skb, l3, &key) : find_v4(skb, l3, &key);
	if (!l4 || !load(skb, l4, port, sizeof(port)))
		return 0;
	key.client_port = port[0];
	key.server_port = port[1];
	w = bpf_map_lookup_elem(&dialogues, &key);
	if (w)
		w->lost = LOST_TEXT;
	return 0;
}

/*
 * The headers of a segment to a mail port in the usual shape, or NULL; any
 * other shape ends its dialogue. They are read from the network header, which
 * is right on every device, while data may start there or at the Ethernet
 * header (l2_len()), and the sender could fake either shape.
 */
static __always_inline struct workspace *take(struct __sk_buff *skb,
					      const struct settings *s)
{
	struct workspace *w = NULL;
	__be16 proto = skb->protocol;
	__u32 l3 = 0;

	/* The kernel has removed the outer VLAN tag, but no inner one. */
	UNROLL
	for (int i = 0; i < VLAN_DEPTH; i++) {
		struct vlan_tag tag;

		if (proto != bpf_htons(ETH_P_8021Q) &&
		    proto != bpf_htons(ETH_P_8021AD))
			break;
		if (!load(skb, l3, &tag, sizeof(tag)))
			return NULL;
		proto = tag.proto;
		l3 += sizeof(tag);
	}
	if (proto == bpf_htons(ETH_P_IP))
		w = take_v4(skb, s, l3);
	else if (proto == bpf_htons(ETH_P_IPV6))
		w = take_v6(skb, s, l3);
	else
		return NULL;
	if (!w)
		give_up(skb, l3, proto == bpf_htons(ETH_P_IPV6));
	return w;
}

#endif

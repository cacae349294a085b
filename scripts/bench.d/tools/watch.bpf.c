// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches an attack at four places, the same for every peer: where the
 * attacker's packets enter the host's link, where sockets get them, where the
 * server's 535 reaches the sensor, and where it leaves.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "watch.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TCX_NEXT (-1)

struct watch watch_settings;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} records SEC(".maps");

static __always_inline struct record *record(enum sight sight)
{
	/* Nobody is to be woken in the midst of it. */
	struct record *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);

	if (!r)
		return NULL;
	__builtin_memset(r, 0, sizeof(*r));
	r->boot_ns = bpf_ktime_get_boot_ns();
	r->sight = sight;
	return r;
}

static __always_inline void done(struct record *r)
{
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

struct segment {
	struct iphdr ip;
	struct tcphdr tcp;
	__u32 payload; /* its offset */
	__u32 len;
};

/* IPv4 without options, as the lab has it. `l2`: bytes before the IP header. */
static __always_inline bool parse(struct __sk_buff *skb, __u32 l2,
				  struct segment *s)
{
	__u32 headers;

	if (skb->protocol != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, l2, &s->ip, sizeof(s->ip)) ||
	    s->ip.protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, l2 + sizeof(s->ip), &s->tcp,
			       sizeof(s->tcp)))
		return false;
	headers = sizeof(s->ip) + s->tcp.doff * 4;
	s->payload = l2 + headers;
	s->len = bpf_ntohs(s->ip.tot_len) - headers;
	return true;
}

static __always_inline void note(struct segment *s, enum sight sight,
				 __be16 port)
{
	struct record *r = record(sight);

	if (!r)
		return;
	r->seq = bpf_ntohl(s->tcp.seq);
	r->port = bpf_ntohs(port);
	r->flags = ((__u8 *)&s->tcp)[13];
	r->len = s->len;
	done(r);
}

static __always_inline void to_server(struct __sk_buff *skb, __u32 l2,
				      enum sight sight)
{
	struct segment s;

	if (parse(skb, l2, &s) && s.ip.saddr == watch_settings.client &&
	    s.tcp.dest == bpf_htons(watch_settings.port))
		note(&s, sight, s.tcp.source);
}

static __always_inline void to_client(struct __sk_buff *skb, enum sight sight)
{
	char code[4];
	struct segment s;

	if (parse(skb, ETH_HLEN, &s) && s.ip.daddr == watch_settings.client &&
	    s.tcp.source == bpf_htons(watch_settings.port) &&
	    s.len > sizeof(code) &&
	    !bpf_skb_load_bytes(skb, s.payload, code, sizeof(code)) &&
	    code[0] == '5' && code[1] == '3' && code[2] == '5')
		note(&s, sight, s.tcp.dest);
}

SEC("tc")
int watch_sent(struct __sk_buff *skb)
{
	to_server(skb, ETH_HLEN, SIGHT_SENT);
	return TCX_NEXT;
}

SEC("cgroup_skb/ingress")
int watch_delivered(struct __sk_buff *skb)
{
	to_server(skb, 0, SIGHT_DELIVERED);
	return 1;
}

SEC("tc")
int watch_failed(struct __sk_buff *skb)
{
	to_client(skb, SIGHT_FAILED);
	return TCX_NEXT;
}

SEC("tc")
int watch_left(struct __sk_buff *skb)
{
	to_client(skb, SIGHT_LEFT);
	return TCX_NEXT;
}

SEC("raw_tp/sys_exit")
int watch_woke(void *ctx)
{
	struct bpf_pidns_info id;
	struct record *r;

	if (!watch_settings.pid ||
	    bpf_get_ns_current_pid_tgid(watch_settings.pidns_dev,
					watch_settings.pidns_ino, &id,
					sizeof(id)) ||
	    id.tgid != watch_settings.pid)
		return 0;
	r = record(SIGHT_WOKE);
	if (r)
		done(r);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Called again and again with one packet, these programs change it: to a random
 * source, or to the next segment of a random connection. Then they jump to the
 * program measured, or to one that does nothing; the difference is the cost.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>

#include "dice.h"
#include "probe.h"
#include "sources.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct probe probe_settings;
__u32 probe_seq[CONNECTIONS_MAX];
__u8 probe_sent[CONNECTIONS_MAX]; /* packets, up to 255 */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} gate SEC(".maps"), sensor SEC(".maps");

/* To set up and to end a test run takes 20 ms, which are not looked at. */
static __always_inline void stamp(struct probe *p)
{
	if (p->sent++ == 0)
		p->began = bpf_ktime_get_ns();
	else if (p->sent == p->packets)
		p->ended = bpf_ktime_get_ns();
}

SEC("xdp.frags")
int gate_nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int gate_probe(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct probe *p = &probe_settings;
	__u64 random = dice(&p->dice);
	__u32 source = p->first + dice_below(random, p->span);

	stamp(p);
	if (p->v6) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		source_v6(source, ip->saddr.in6_u.u6_addr32);
	} else {
		struct iphdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) > end)
			return XDP_ABORTED;
		ip->saddr = source_v4(source);
	}
	bpf_tail_call(ctx, &gate, 0);
	return XDP_ABORTED;
}

SEC("tc")
int sensor_nothing(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sensor_probe(struct __sk_buff *skb)
{
	struct probe *p = &probe_settings;
	__u64 random = dice(&p->dice);
	__u32 i = dice_below(random, p->span) & (CONNECTIONS_MAX - 1);
	struct tcphdr *tcp;
	struct iphdr *ip;

	stamp(p);
	ip = (void *)(long)skb->data + ETH_HLEN;
	tcp = (void *)(ip + 1);
	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	ip->daddr = source_v4(p->first + i);
	tcp->seq = bpf_htonl(probe_seq[i]);
	probe_seq[i] += p->payload;
	if (probe_sent[i] < 255)
		probe_sent[i]++;
	bpf_tail_call(skb, &sensor, 0);
	return TC_ACT_SHOT;
}

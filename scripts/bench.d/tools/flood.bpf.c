// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The attackers: run by BPF_PROG_TEST_RUN with live frames, it gives every
 * frame a random source and sends it into a veth.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "dice.h"
#include "flood.h"
#include "sources.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct flood flood_settings;

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 add(__u32 sum, __be32 word)
{
	return sum + (word & 0xffff) + (word >> 16);
}

static __always_inline __u32 pick(struct flood *f, __u64 random)
{
	if ((random & 255) < f->others) {
		f->others_sent++;
		return f->others_first + dice_below(random, f->others_span);
	}
	return dice_below(random, f->span);
}

static __always_inline bool make_v4(struct flood *f, void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u64 random = dice(&f->dice);
	__be32 source;

	if ((void *)(tcp + 1) > end)
		return false;
	source = source_v4(pick(f, random));
	ip->saddr = source;
	ip->check = fold(add(f->ip_sum, source));
	tcp->source = random >> 8 | 1;
	tcp->check = fold(add(f->tcp_sum, source) + tcp->source);
	return true;
}

static __always_inline bool make_v6(struct flood *f, void *data, void *end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);
	__u64 random = dice(&f->dice);
	__be32 source[4];
	__u32 sum;

	if ((void *)(tcp + 1) > end)
		return false;
	source_v6(pick(f, random), source);
	__builtin_memcpy(&ip->saddr, source, sizeof(source));
	tcp->source = random >> 8 | 1;
	sum = add(add(f->tcp_sum, source[0]), source[1]);
	tcp->check = fold(add(sum, source[3]) + tcp->source);
	return true;
}

/*
 * The clock is read at the first packet and at the last: to set up and to end
 * a test run takes 30 ms.
 */
static __always_inline bool make(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct flood *f = &flood_settings;

	if (f->sent++ == 0)
		f->began = bpf_ktime_get_ns();
	else if (f->sent == f->packets)
		f->ended = bpf_ktime_get_ns();
	return f->v6 ? make_v6(f, data, end) : make_v4(f, data, end);
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	if (!make(ctx))
		return XDP_ABORTED;
	return bpf_redirect(flood_settings.ifindex, 0);
}

/* What it costs to make packets. */
SEC("xdp")
int flood_nowhere(struct xdp_md *ctx)
{
	return make(ctx) ? XDP_DROP : XDP_ABORTED;
}

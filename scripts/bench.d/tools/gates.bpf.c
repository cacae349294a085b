// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The simplest gates possible, for comparison: one that drops everything, and
 * hashes of addresses in tc.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, __be32);
	__type(value, __u64);
} gate_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct in6_addr);
	__type(value, __u64);
} gate_v6 SEC(".maps");

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("tc")
int tc_hash(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	void *value = NULL;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			value = bpf_map_lookup_elem(&gate_v4, &ip->saddr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) <= end)
			value = bpf_map_lookup_elem(&gate_v6, &ip->saddr);
	}
	if (!value)
		return TC_ACT_OK;
	__sync_fetch_and_add((__u64 *)value, 1);
	return TC_ACT_SHOT;
}

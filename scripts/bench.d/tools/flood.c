// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends packets of random sources into an interface, from the kernel, on one
 * CPU. Prints as JSON how many were sent in which time.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flood.h"
#include "flood.skel.h"
#include "sources.h"
#include "timing.h"

#define BATCH 64
#define SMTP 25

struct options {
	const char *iface; /* NULL: nowhere */
	const char *to; /* address of the victim */
	struct flood flood;
};

/* The sum of 16-bit words, not folded; of headers, so it cannot overflow. */
static uint32_t sum_of(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += word[i];
	return sum;
}

static struct tcphdr syn(void)
{
	return (struct tcphdr){ .dest = htons(SMTP),
				.seq = htonl(1),
				.doff = 5,
				.syn = 1,
				.window = htons(65535) };
}

static size_t frame_v4(void *frame, const char *to, struct flood *f)
{
	struct iphdr ip = { .version = 4,
			    .ihl = 5,
			    .tot_len =
				    htons(sizeof(ip) + sizeof(struct tcphdr)),
			    .frag_off = htons(IP_DF),
			    .ttl = 64,
			    .protocol = IPPROTO_TCP };
	struct tcphdr tcp = syn();

	if (inet_pton(AF_INET, to, &ip.daddr) != 1)
		return 0;
	f->ip_sum = sum_of(&ip, sizeof(ip));
	f->tcp_sum = sum_of(&tcp, sizeof(tcp)) + sum_of(&ip.daddr, 4) +
		     htons(IPPROTO_TCP) + htons(sizeof(tcp));
	memcpy(frame, &ip, sizeof(ip));
	memcpy(frame + sizeof(ip), &tcp, sizeof(tcp));
	return sizeof(ip) + sizeof(tcp);
}

static size_t frame_v6(void *frame, const char *to, struct flood *f)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6U << 28),
			      .ip6_plen = htons(sizeof(struct tcphdr)),
			      .ip6_nxt = IPPROTO_TCP,
			      .ip6_hlim = 64 };
	struct tcphdr tcp = syn();

	if (inet_pton(AF_INET6, to, &ip.ip6_dst) != 1)
		return 0;
	f->tcp_sum = sum_of(&tcp, sizeof(tcp)) + sum_of(&ip.ip6_dst, 16) +
		     htons(IPPROTO_TCP) + htons(sizeof(tcp));
	memcpy(frame, &ip, sizeof(ip));
	memcpy(frame + sizeof(ip), &tcp, sizeof(tcp));
	return sizeof(ip) + sizeof(tcp);
}

/* The victims of the bench all have this address: see scripts/bench.d/parts/drop.sh. */
static size_t frame_make(uint8_t *frame, const struct options *o,
			 struct flood *f)
{
	struct ethhdr eth = { .h_dest = { 2, 0, 0, 0, 0, 2 },
			      .h_source = { 2, 0, 0, 0, 0, 1 } };
	size_t len;

	f->v6 = strchr(o->to, ':') != NULL;
	eth.h_proto = htons(f->v6 ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(frame, &eth, sizeof(eth));
	frame += sizeof(eth);
	len = f->v6 ? frame_v6(frame, o->to, f) : frame_v4(frame, o->to, f);
	return len ? len + sizeof(eth) : 0;
}

static int run(struct flood_bpf *skel, const struct options *o)
{
	uint8_t frame[128] = {};
	struct bpf_program *prog =
		o->iface ? skel->progs.flood : skel->progs.flood_nowhere;
	struct flood *f = &skel->bss->flood_settings;
	struct timing t;
	int err;

	*f = o->flood;
	f->dice = timing_clock(CLOCK_MONOTONIC);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = frame_make(frame, o, f),
		    .repeat = f->packets, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BATCH);
	if (!opts.data_size_in) {
		fprintf(stderr, "flood: no address: %s\n", o->to);
		return 2;
	}
	timing_start(&t);
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	timing_stop(&t);
	if (err) {
		fprintf(stderr, "flood: cannot run: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"sent\":%u,\"others\":%llu,\"ns\":%llu,\"waited_ns\":%llu}\n",
	       f->packets, f->others_sent, f->ended - f->began, t.waited);
	return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "to", required_argument, NULL, 't' },
		{ "packets", required_argument, NULL, 'p' },
		{ "sources", required_argument, NULL, 's' },
		{ "others", required_argument, NULL, 'o' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'i')
			o->iface = optarg;
		else if (c == 't')
			o->to = optarg;
		else if (c == 'p')
			o->flood.packets = strtoul(optarg, NULL, 0);
		else if (c == 's')
			o->flood.span = strtoul(optarg, NULL, 0);
		else if (c == 'o')
			o->flood.others = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	/* Behind all that any round bans. */
	o->flood.others_first = SOURCES / 2;
	o->flood.others_span = SOURCES / 2;
	if (o->iface)
		o->flood.ifindex = if_nametoindex(o->iface);
	if (o->iface && !o->flood.ifindex) {
		fprintf(stderr, "flood: no interface %s\n", o->iface);
		return 2;
	}
	return optind == argc && o->to && o->flood.packets > 1 &&
			       o->flood.span ?
		       0 :
		       2;
}

int main(int argc, char **argv)
{
	struct options o = {};
	struct flood_bpf *skel;
	int err = parse(argc, argv, &o);

	if (err) {
		fprintf(stderr, "usage: flood [--iface NAME] --to ADDRESS "
				"--packets N --sources N [--others N]\n");
		return err;
	}
	skel = flood_bpf__open_and_load();
	if (!skel) {
		fprintf(stderr, "flood: cannot load: %s\n", strerror(errno));
		return 1;
	}
	err = run(skel, &o);
	flood_bpf__destroy(skel);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a packet costs in the programs that are attached to an interface, by
 * BPF_PROG_TEST_RUN: prints a line of JSON for each kind of packet and round.
 *
 *	probe gate IFACE 4|6 BANS ROUNDS	XDP; sources 0..BANS-1 are banned
 *	probe sense IFACE ROUNDS		tc egress
 *	probe storm IFACE CLIENTS FAILURES PER-SECOND RATE
 *		the same: FAILURES failed logins of random clients, so many a
 *		second (0: as many as can be); how many clients failed RATE times
 *	probe real IFACE COMMAND		tc egress, by the kernel's own
 *		accounting, while COMMAND makes traffic
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "probe.skel.h"
#include "sources.h"
#include "timing.h"

#define GATE_REPEAT 2000000
#define SENSE_REPEAT 1000000
/* So few that no client fails 64 times within a second, each at random. */
#define FAILURES (30 * CONNECTIONS)
#define PAYLOAD_MAX 1460
#define UNSPEC 0xffffffffU /* TC_ACT_UNSPEC */
#define TCX_EGRESS 47 /* enum bpf_attach_type, which Debian 12 does not name */

#define LINE_250 "250 2.1.0 Ok\r\n"
#define LINE_535                                                               \
	"535 5.7.8 Error: authentication failed: (reason unavailable)\r\n"

struct frame {
	uint8_t bytes[ETH_HLEN + 60 + PAYLOAD_MAX];
	uint32_t len;
};

/* What is sent, and through what. */
struct shape {
	const char *name;
	uint16_t from, to; /* TCP ports */
	const char *payload;
	uint32_t len; /* of the payload: repeated to so many bytes */
	uint32_t first, span; /* of the sources */
	uint32_t repeat;
	uint32_t verdict;
};

struct bench {
	struct probe_bpf *skel;
	struct bpf_program *prog;
	int array; /* what `prog` jumps to */
	int nothing; /* programs */
	int measured;
	bool v6;
	int rest; /* seconds before each round: so long failures count */
};

static struct frame frame_make(const struct bench *b, const struct shape *s)
{
	struct frame f = {};
	struct ethhdr eth = { .h_proto = htons(b->v6 ? ETH_P_IPV6 : ETH_P_IP) };
	uint32_t l4 = sizeof(struct tcphdr) + s->len;
	struct iphdr ip = { .version = 4,
			    .ihl = 5,
			    .ttl = 64,
			    .protocol = IPPROTO_TCP,
			    .tot_len = htons(sizeof(ip) + l4),
			    .saddr = htonl(0xc0000219),
			    .daddr = htonl(0xc0000219) };
	struct ip6_hdr ip6 = { .ip6_flow = htonl(6U << 28),
			       .ip6_plen = htons(l4),
			       .ip6_nxt = IPPROTO_TCP,
			       .ip6_hlim = 64 };
	struct tcphdr tcp = { .source = htons(s->from),
			      .dest = htons(s->to),
			      .doff = 5,
			      .ack = 1,
			      .window = htons(65535) };
	uint8_t *at = f.bytes;

	memcpy(at, &eth, sizeof(eth));
	at += sizeof(eth);
	memcpy(at, b->v6 ? (void *)&ip6 : (void *)&ip,
	       b->v6 ? sizeof(ip6) : sizeof(ip));
	at += b->v6 ? sizeof(ip6) : sizeof(ip);
	memcpy(at, &tcp, sizeof(tcp));
	at += sizeof(tcp);
	for (uint32_t i = 0; i < s->len; i++)
		at[i] = s->payload[i % strlen(s->payload)];
	f.len = at + s->len - f.bytes;
	return f;
}

static int jump_to(const struct bench *b, int prog)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(b->array, &zero, &prog, BPF_ANY) ? -errno :
								      0;
}

static void set(const struct bench *b, const struct shape *s)
{
	struct probe *p = &b->skel->bss->probe_settings;

	p->first = s->first;
	p->span = s->span;
	p->v6 = b->v6;
	p->payload = s->len;
	p->packets = s->repeat;
	p->sent = 0;
}

/* ns a packet; *waited is the share of the time that others ran. */
static int measure(const struct bench *b, const struct shape *s, int target,
		   double *ns, double *waited)
{
	const struct probe *p = &b->skel->bss->probe_settings;
	struct frame f = frame_make(b, s);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.bytes,
		    .data_size_in = f.len, .repeat = s->repeat);
	struct timing t;
	int err = jump_to(b, target);

	if (err)
		return err;
	set(b, s);
	timing_start(&t);
	err = bpf_prog_test_run_opts(bpf_program__fd(b->prog), &opts);
	timing_stop(&t);
	*ns = (double)(p->ended - p->began) / s->repeat;
	*waited = (double)t.waited / t.ns;
	if (!err && target == b->measured && opts.retval != s->verdict) {
		fprintf(stderr, "probe: %s: verdict %d\n", s->name,
			opts.retval);
		return -EPROTO;
	}
	return err;
}

static int round_of(const struct bench *b, const struct shape *s, int round)
{
	double floor, ns, waited[2];
	int err = measure(b, s, b->nothing, &floor, &waited[0]);

	if (!err)
		err = measure(b, s, b->measured, &ns, &waited[1]);
	if (err) {
		fprintf(stderr, "probe: %s: %s\n", s->name, strerror(-err));
		return 1;
	}
	printf("{\"name\":\"%s\",\"round\":%d,\"floor\":%.2f,\"ns\":%.2f,"
	       "\"waited\":%.4f}\n",
	       s->name, round, floor, ns,
	       waited[0] > waited[1] ? waited[0] : waited[1]);
	return 0;
}

static int rounds_of(const struct bench *b, const struct shape *shapes,
		     size_t n, int rounds)
{
	int err = 0;

	for (int round = 0; round <= rounds && !err; round++) {
		if (b->rest)
			sleep(b->rest);
		for (size_t i = 0; i < n && !err; i++)
			err = round_of(b, &shapes[i], round);
	}
	return err;
}

static int probe_gate(struct bench *b, uint32_t ifindex, uint32_t bans,
		      int rounds)
{
	/* Behind all that any round bans. */
	const uint32_t other = SOURCES / 2, n = GATE_REPEAT;
	const struct shape shapes[] = {
		{ "hit", 40000, 25, "", 0, 0, bans, n, XDP_DROP },
		{ "miss", 40000, 25, "", 0, other, other, n, XDP_PASS },
		{ "miss-other-port", 40000, 443, "", 0, other, other, n,
		  XDP_PASS },
	};
	size_t skip = bans ? 0 : 1;
	uint32_t id = 0;

	bpf_xdp_query_id(ifindex, 0, &id);
	b->measured = bpf_prog_get_fd_by_id(id);
	b->prog = b->skel->progs.gate_probe;
	b->nothing = bpf_program__fd(b->skel->progs.gate_nothing);
	b->array = bpf_map__fd(b->skel->maps.gate);
	if (b->measured < 0) {
		fprintf(stderr, "probe: no XDP program is attached\n");
		return 1;
	}
	return rounds_of(b, shapes + skip, 3 - skip, rounds);
}

static int open_sensor(struct bench *b, uint32_t ifindex)
{
	uint32_t ids[8], count = 8;

	if (bpf_prog_query(ifindex, TCX_EGRESS, 0, NULL, ids, &count) ||
	    !count) {
		fprintf(stderr,
			"probe: no program is attached to tcx egress\n");
		return 1;
	}
	b->measured = bpf_prog_get_fd_by_id(ids[0]);
	b->prog = b->skel->progs.sensor_probe;
	b->nothing = bpf_program__fd(b->skel->progs.sensor_nothing);
	b->array = bpf_map__fd(b->skel->maps.sensor);
	return 0;
}

static int probe_sense(struct bench *b, int rounds)
{
	const uint32_t first = SOURCES / 4, n = SENSE_REPEAT, c = CONNECTIONS;
	const struct shape shapes[] = {
		{ "other-port", 993, 40000, "x", 1400, first, c, n, UNSPEC },
		{ "reply-250", 25, 40000, LINE_250, strlen(LINE_250), first, c,
		  n, UNSPEC },
		{ "reply-535", 25, 40001, LINE_535, strlen(LINE_535), first + c,
		  c, FAILURES, UNSPEC },
		{ "tls-record", 465, 40002, "\x17\x03\x03\x01\x01x", 300, first,
		  c, n, UNSPEC },
	};

	b->rest = 1;
	return rounds_of(b, shapes, sizeof(shapes) / sizeof(*shapes), rounds);
}

/* Those who failed `rate` times: so many have to be banned. */
static uint32_t over(const struct bench *b, uint32_t rate)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CONNECTIONS_MAX; i++)
		n += b->skel->bss->probe_sent[i] >= rate;
	return n;
}

/* Sends `s` in pieces of 10 ms; how long it took in ns, or less than 0. */
static long long send_all(const struct bench *b, struct shape *s,
			  uint32_t failures, uint32_t per_second)
{
	uint32_t piece = per_second ? per_second / 100 : 100000, sent = 0;
	unsigned long long began = timing_clock(CLOCK_MONOTONIC), due = began;
	double ns, waited;

	while (sent < failures) {
		struct timespec t = { due / 1000000000, due % 1000000000 };

		if (per_second)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t,
					NULL);
		s->repeat = failures - sent < piece ? failures - sent : piece;
		if (measure(b, s, b->measured, &ns, &waited))
			return -1;
		sent += s->repeat;
		due += 10000000;
	}
	return timing_clock(CLOCK_MONOTONIC) - began;
}

static int probe_storm(struct bench *b, char **argv)
{
	struct shape s = { "storm",
			   25,
			   40005,
			   LINE_535,
			   strlen(LINE_535),
			   SOURCES / 4,
			   atoi(argv[3]),
			   0,
			   UNSPEC };
	uint32_t failures = atoi(argv[4]);
	long long ns = send_all(b, &s, failures, atoi(argv[5]));

	if (ns < 0)
		return 1;
	printf("{\"failures\":%u,\"ns\":%lld,\"expected\":%u}\n", failures, ns,
	       over(b, atoi(argv[6])));
	return 0;
}

static int run_stats(int prog, unsigned long long *ns, unsigned long long *runs)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		return -errno;
	*ns = info.run_time_ns;
	*runs = info.run_cnt;
	return 0;
}

static int probe_real(const struct bench *b, const char *command)
{
	unsigned long long ns[2], runs[2];
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats < 0 || run_stats(b->measured, &ns[0], &runs[0]) ||
	    system(command) || run_stats(b->measured, &ns[1], &runs[1])) {
		fprintf(stderr, "probe: %s: no measurement\n", command);
		return 1;
	}
	printf("{\"ns\":%llu,\"packets\":%llu}\n", ns[1] - ns[0],
	       runs[1] - runs[0]);
	close(stats);
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: probe gate IFACE 4|6 BANS ROUNDS\n"
		"       probe sense IFACE ROUNDS\n"
		"       probe storm IFACE CLIENTS FAILURES PER-SECOND RATE\n"
		"       probe real IFACE COMMAND\n");
	return 2;
}

static int probe(struct bench *b, int argc, char **argv)
{
	uint32_t ifindex = if_nametoindex(argv[2]);
	const char *what = argv[1];

	if (!strcmp(what, "gate") && argc == 6) {
		b->v6 = !strcmp(argv[3], "6");
		return probe_gate(b, ifindex, atoi(argv[4]), atoi(argv[5]));
	}
	if (open_sensor(b, ifindex))
		return 1;
	if (!strcmp(what, "sense") && argc == 4)
		return probe_sense(b, atoi(argv[3]));
	if (!strcmp(what, "storm") && argc == 7 &&
	    strtoul(argv[3], NULL, 0) <= CONNECTIONS_MAX)
		return probe_storm(b, argv);
	if (!strcmp(what, "real") && argc == 4)
		return probe_real(b, argv[3]);
	return usage();
}

int main(int argc, char **argv)
{
	struct bench b = {};
	int err;

	if (argc < 4)
		return usage();
	b.skel = probe_bpf__open_and_load();
	if (!b.skel || !if_nametoindex(argv[2])) {
		fprintf(stderr, "probe: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	b.skel->bss->probe_settings.dice = timing_clock(CLOCK_MONOTONIC);
	err = probe(&b, argc, argv);
	probe_bpf__destroy(b.skel);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/replay.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "lists/config_apply.h"
#include "lists/banlist.h"
#include "base/clock.h"
#include "daemon/event_handler.h"
#include "lists/groups_plan.h"
#include "load/loader.h"
#include "base/output.h"
#include "pure/parse.h"
#include "load/programs.h"
#include "maps/settings_map.h"
#include "smtpxdp.skel.h"

/* A test run takes frames of one page, less the room that the kernel needs. */
#define RUN_MAX 3500
#define CHUNK 3072 /* of TCP's payload */
#define HEADERS_MAX 256 /* longer than all headers that are parsed */
/* The first jiffy: a time may be subtracted from it. */
#define BEGINNING (1 << 20)
#define NSEC 1000000000ULL

static int on_ring(void *ctx, void *data, size_t size)
{
	struct replay *r = ctx;
	struct decision d;
	struct net client;
	struct event e;

	if (size < sizeof(e))
		return 0;
	memcpy(&e, data, sizeof(e));
	if (e.version != EVENT_VERSION ||
	    (e.kind != EVENT_CROSSED && e.kind != EVENT_NET_CROSSED))
		return 0;
	client = net_of(&e.client, e.len);
	if (handle_crossing(&r->pins, &e, &client, &d))
		r->full++;
	r->bans += d.ban;
	r->on_ban(&e, &client, &d, r->ctx);
	return 0;
}

int replay_open(struct replay *r, const struct config *c, replay_ban_fn on_ban,
		void *ctx)
{
	struct loader_options o = {
		.max_clients = config_number(c, KEY_MAX_CLIENTS),
		.max_bans = config_number(c, KEY_MAX_BANS),
		.parts = PART_BIT(PART_CONTROL) | (PARTS_WIRE & ~PARTS_RAW),
	};
	int err;

	memset(r, 0, sizeof(*r));
	r->on_ban = on_ban;
	r->ctx = ctx;
	err = loader_load_replay(&o, &r->skel);
	if (err)
		return err;
	err = pins_of(&r->pins, r->skel->obj);
	if (!err)
		err = config_apply(&r->pins, c);
	if (!err)
		groups_apply(&r->pins, c, true);
	if (!err)
		r->ring = ring_buffer__new(r->pins.map[MAP_EVENTS], on_ring, r,
					   NULL);
	if (!err && !r->ring)
		err = -errno;
	if (err) {
		err = fail("cannot prepare the replay: %s", strerror(-err));
		replay_close(r);
	}
	return err;
}

static void set_clock(struct replay *r, uint64_t wall_ns)
{
	uint64_t tick = NSEC / clock_hz();

	if (!r->frames)
		r->first_ns = wall_ns;
	r->last_ns = wall_ns;
	r->skel->bss->replay_boot_ns = wall_ns;
	r->skel->bss->replay_jiffies =
		BEGINNING + (wall_ns - r->first_ns) / tick;
}

/* Returns the program's verdict; -errno where the kernel refuses the frame. */
static int run(struct replay *r, const struct bpf_program *prog,
	       const void *data, uint32_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = len);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts)) {
		r->refused++;
		return -errno;
	}
	return opts.retval;
}

/*
 * A capture on the sending host has packets larger than any on the wire (TSO),
 * which the kernel does not run. So they are cut into pieces, as the NIC did.
 * Checksums stay wrong: the programs do not read them.
 */
static void run_in_pieces(struct replay *r, const struct bpf_program *prog,
			  const struct captured *f, const struct packet *p,
			  uint32_t at, uint32_t end)
{
	uint8_t piece[RUN_MAX];
	uint32_t l3 = p->l3;
	struct tcphdr *tcp = (void *)(piece + p->behind.l4);
	struct ipv6hdr *ip6 = (void *)(piece + l3);
	struct iphdr *ip = (void *)(piece + l3);
	uint32_t headers = at, seq, n;

	memcpy(piece, f->data, headers);
	seq = ntohl(tcp->seq);
	for (; at < end; at += n) {
		n = end - at < CHUNK ? end - at : CHUNK;
		memcpy(piece + headers, f->data + at, n);
		if (ip->version == 4)
			ip->tot_len = htons(headers + n - l3);
		else
			ip6->payload_len =
				htons(headers + n - l3 - sizeof(*ip6));
		tcp->seq = htonl(seq);
		seq += n;
		run(r, prog, piece, headers + n);
	}
}

/* A banned client gets no replies: its packets would have been dropped. */
static bool is_banned(const struct replay *r, const struct addr *to)
{
	struct net host = net_of(to, ADDR_BITS);
	struct clock_pair now;
	struct ban_row row;

	return r->bans && !clock_read(r->pins.prog[PROG_CLOCK], &now) &&
	       !banlist_find(&r->pins, &host, &now, &row);
}

static void run_whole(struct replay *r, const struct bpf_program *prog,
		      const struct captured *f, const struct packet *p)
{
	const struct tcphdr *tcp = (const void *)(f->data + p->behind.l4);
	uint32_t at = (uint8_t *)(tcp + 1) - f->data, end = f->len;

	if (f->len <= RUN_MAX || at > f->len) {
		run(r, prog, f->data, f->len);
		return;
	}
	at += tcp->doff * 4 - sizeof(*tcp);
	if (p->l3_len && end > p->l3 + p->l3_len)
		end = p->l3 + p->l3_len;
	if (tcp->doff >= 5 && at < HEADERS_MAX)
		run_in_pieces(r, prog, f, p, at, end);
}

static void sense(struct replay *r, const struct captured *f,
		  const struct packet *p)
{
	if (is_banned(r, &p->dst))
		return;
	r->cut += f->cut;
	run_whole(r, r->skel->progs.detect_ethernet, f, p);
}

/* Runs the gate on the headers, which are all that it reads. */
static void gate(struct replay *r, const struct captured *f,
		 const struct packet *p)
{
	uint32_t len = f->len < HEADERS_MAX ? f->len : HEADERS_MAX;

	if (run(r, r->skel->progs.drop_ethernet, f->data, len) == XDP_DROP)
		r->dropped++;
	else
		run_whole(r, r->skel->progs.listen, f, p);
}

static bool from_server(const struct replay *r, const struct captured *f,
			const struct packet *p)
{
	struct net source = net_of(&p->src, ADDR_BITS);

	return !f->incoming && (!r->server || net_contains(r->server, &source));
}

static long load_captured(void *frame, __u32 off, void *to, __u32 len)
{
	const struct captured *f = frame;

	if (off > f->len || len > f->len - off)
		return -EFAULT;
	memcpy(to, f->data + off, len);
	return 0;
}

static bool find_tcp(struct captured *f, struct packet *p)
{
	void *data = (void *)f->data;
	enum parse_result r = parse_packet(data, data + f->len, true, p);

	if (r == PARSE_OK && p->v6)
		r = parse_ext(f, load_captured, f->len, &p->behind);
	return r == PARSE_OK && p->behind.proto == IPPROTO_TCP &&
	       p->behind.l4 + 4 <= f->len;
}

int replay_frame(struct replay *r, struct captured *f)
{
	const struct settings *s = settings_now(&r->pins);
	struct packet p = {};
	const struct tcphdr *tcp;

	set_clock(r, f->wall_ns);
	r->frames++;
	r->bytes += f->len;
	if (!find_tcp(f, &p))
		return 0;
	tcp = (const void *)(f->data + p.behind.l4);
	if (port_is_mail(s, ntohs(tcp->source)) && from_server(r, f, &p))
		sense(r, f, &p);
	else if (port_is_mail(s, ntohs(tcp->dest)))
		gate(r, f, &p);
	else
		return 0;
	return ring_buffer__consume(r->ring) < 0 ? -EIO : 0;
}

void replay_close(struct replay *r)
{
	ring_buffer__free(r->ring);
	if (r->pins.slots)
		pins_close(&r->pins);
	smtpxdp__destroy(r->skel);
}

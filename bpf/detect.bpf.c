// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor (tc egress): reads the mail server's cleartext replies on
 * their way out. Only looks: TC_ACT_UNSPEC lets later filters see the packet.
 */
#include <linux/errno.h>
#include <stdbool.h>
#include <linux/pkt_cls.h>

#include "failure.h"
#include "hello.h"
#include "maps.h"
#include "parse.h"
#include "reply.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* No header of ours ends behind this: Ethernet, VLANs, IPv6, options, TCP. */
#define PULL_BYTES 256

struct scan {
	struct __sk_buff *skb;
	const struct settings *s;
	const struct stream_key *key;
	__u32 off; /* of the next byte in the skb */
	__u32 end;
	struct stream *st;
	struct sighting *at;
};

/* What was found in front of TCP's payload; offsets in the skb. */
struct headers {
	struct addr src;
	struct addr dst;
	__u32 l3;
	__u32 l3_len;
	__u32 l4;
	__u32 proto;
};

/*
 * What a packet is worked on in: too large for the stack, of which kernels
 * before 6.9 round every frame up to 32 bytes. Nothing interrupts this on its
 * CPU.
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
} scratch SEC(".maps");

static long scan_step(__u32 i, void *ctx)
{
	struct scan *x = ctx;
	struct reply *r = &x->st->reply;
	struct reply_result res = {};
	struct sighting *at = x->at;
	__u32 n = reply_room(r), pos = reply_at(r);
	enum reply_verdict v;

	if (x->off >= x->end)
		return 1;
	if (n > x->end - x->off)
		n = x->end - x->off;
	/* The verifier wants to see both bounds, whatever the state says. */
	if (pos > LINE_SIZE || n < 1 || n > LINE_SIZE)
		return 1;
	if (bpf_skb_load_bytes(x->skb, x->off, r->line + pos, n)) {
		count(COUNTER_LOAD_ERROR, x->skb->len);
		return 1;
	}
	v = reply_feed(r, n, x->s, &res);
	if (v == REPLY_ENCRYPTED) {
		x->st->encrypted = 1;
		return 1;
	}
	x->off += res.used;
	if (v == REPLY_IGNORED_BY_TEXT)
		count(COUNTER_TEXT_IGNORED, 0);
	if (v != REPLY_COUNT && v != REPLY_CREDIT)
		return 0;
	if (v == REPLY_CREDIT) {
		client_success(x->s, &x->key->client);
		return 0;
	}
	at->peer = x->key->client;
	at->ifindex = x->skb->ifindex;
	at->code = res.code;
	at->port = bpf_ntohs(x->key->server_port);
	at->text_len = res.len;
	at->sensor = SENSOR_WIRE;
	at->text = r->first;
	client_failure(x->s, at);
	return 0;
}

/*
 * What of a segment at `seq`, `len` bytes long, was not read before: how many
 * bytes to leave out, or -1 for all of them. Takes up what was unfinished.
 */
static __always_inline __s64 already_read(struct __sk_buff *skb,
					  const struct stream *st, __u32 seq,
					  __u32 len, struct reply *r)
{
	__s32 seen = st->next_seq - seq;

	if (seen >= (__s64)len)
		return -1;
	if (seen < 0) {
		count(COUNTER_STREAM_GAP, skb->len);
		return 0; /* most likely a reply begins here: they do */
	}
	if (reply_unfinished(&st->reply))
		*r = st->reply;
	return seen;
}

/*
 * A segment of a TLS stream. Not in the order in which it is sent, the
 * ServerHello is not found.
 */
static __always_inline void read_encrypted(struct __sk_buff *skb,
					   const struct stream_key *key,
					   struct stream *st, __u32 seq,
					   __u32 off, __u32 end)
{
	__s32 seen = st->next_seq - seq;

	count(COUNTER_ENCRYPTED, skb->len);
	if (st->hello.state != HELLO_WANTED || seen >= (__s64)(end - off))
		return;
	if (seen < 0)
		st->hello.state = HELLO_MISSED;
	else
		hello_read(skb, key, &st->hello, off + seen, end);
	st->next_seq = seq + (end - off);
}

/*
 * Reads a segment whose payload lies in [off, end) of the skb. Every stream
 * has an entry in the map, and not just one with a reply unfinished: a client
 * may acknowledge half a line, and what is then sent again from its middle
 * ("500 unknown command: 535 ...") is no reply.
 */
static __always_inline void read_segment(struct __sk_buff *skb,
					 const struct settings *s,
					 struct workspace *w, __u32 seq,
					 __u32 off, __u32 end)
{
	const struct stream_key *key = &w->key;
	struct stream *st = bpf_map_lookup_elem(&streams, key);
	struct stream *fresh = &w->stream;
	struct reply *r = &fresh->reply;
	struct scan x = {
		.skb = skb,
		.s = s,
		.key = key,
		.off = off,
		.st = fresh,
		.at = &w->at,
	};

	__builtin_memset(fresh, 0, sizeof(*fresh));

	if (st) {
		__s64 seen;

		if (st->encrypted) {
			read_encrypted(skb, key, st, seq, off, end);
			return;
		}
		seen = already_read(skb, st, seq, end - off, r);
		if (seen < 0) {
			count(COUNTER_RETRANSMIT, skb->len);
			return;
		}
		x.off += seen;
	}
	x.end = end;
	if (x.end - x.off > SCAN_BYTES)
		x.end = x.off + SCAN_BYTES;
	bpf_loop(SCAN_STEPS, scan_step, &x, 0);
	x.st->next_seq = seq + (end - off);
	if (x.st->encrypted) {
		count(COUNTER_ENCRYPTED, skb->len);
		__builtin_memset(r, 0, sizeof(*r));
		hello_read(skb, key, &x.st->hello, x.off, end);
	} else if (x.off < end) {
		count(COUNTER_SCAN_LIMIT, skb->len);
		r->skip = 1; /* the next segment begins within some line, */
		r->line[0] = 0; /* of which nothing is known */
		r->by_text = 0;
	}
	if (!st) {
		if (bpf_map_update_elem(&streams, key, x.st, BPF_ANY))
			count(COUNTER_STREAMS_FULL, skb->len);
		return;
	}
	st->next_seq = x.st->next_seq;
	st->encrypted = x.st->encrypted;
	if (x.st->encrypted || reply_unfinished(r) ||
	    reply_unfinished(&st->reply))
		st->reply = *r;
}

/*
 * Global, so that the verifier looks at it once, and not at all that follows
 * for each of the ways through it: that would be a million instructions.
 */
__noinline int find_headers(struct __sk_buff *skb, int ethernet,
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
	h->l3 = p.l3 - data;
	h->l3_len = p.l3_len;
	h->l4 = p.l4 - data;
	h->proto = p.proto;
	return PARSE_OK;
}

/* The same by a glance: what is in reach needs no help. */
static __always_inline void take_headers(struct workspace *w, const void *data,
					 const struct glance *g)
{
	struct headers *h = &w->headers;
	__u32 len;

	glance_src(g, &h->src);
	glance_dst(g, &h->dst);
	h->proto = g->proto;
	h->l3 = g->l3 - data;
	h->l4 = (void *)g->tcp - data;
	if (g->v6) {
		len = bpf_ntohs(((struct ipv6hdr *)g->l3)->payload_len);
		h->l3_len = len ? sizeof(struct ipv6hdr) + len : 0;
	} else {
		h->l3_len = bpf_ntohs(((struct iphdr *)g->l3)->tot_len);
	}
	__builtin_memcpy(&w->tcp, g->tcp, sizeof(w->tcp));
}

/* And where that does not do. False: it is nothing for us. */
static __always_inline bool load_headers(struct workspace *w,
					 struct __sk_buff *skb, bool ethernet)
{
	struct headers *h = &w->headers;
	int r = find_headers(skb, ethernet, h);

	if (r == PARSE_TRUNCATED) {
		/* Not ours: packets of local sockets have linear headers. */
		bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len :
							       PULL_BYTES);
		r = find_headers(skb, ethernet, h);
	}
	if (r != PARSE_OK) {
		count(COUNTER_OUT_TRUNCATED + r, skb->len);
		return false;
	}
	if (h->proto != IPPROTO_TCP)
		return false;
	if (bpf_skb_load_bytes(skb, h->l4, &w->tcp, sizeof(w->tcp))) {
		count(COUNTER_OUT_TRUNCATED, skb->len);
		return false;
	}
	return true;
}

/* A packet from a mail port, whose headers are known. */
static __always_inline int read_packet(struct workspace *w,
				       struct __sk_buff *skb,
				       const struct settings *s)
{
	const struct headers *h = &w->headers;
	const struct tcphdr *tcp = &w->tcp;
	__u32 stop, off;

	w->key.server = h->src;
	w->key.client = h->dst;
	w->key.server_port = tcp->source;
	w->key.client_port = tcp->dest;
	if (tcp->syn) {
		/* A new connection, whose numbers may lie below the old's. */
		bpf_map_delete_elem(&streams, &w->key);
		return TC_ACT_UNSPEC;
	}
	off = h->l4 + tcp->doff * 4;
	stop = h->l3_len ? h->l3 + h->l3_len : skb->len;
	if (tcp->doff < 5 || off > stop) {
		count(COUNTER_OUT_BAD_TCP, skb->len);
		return TC_ACT_UNSPEC;
	}
	if (stop > skb->len) {
		count(COUNTER_OUT_TRUNCATED, skb->len);
		return TC_ACT_UNSPEC;
	}
	if (off < stop)
		read_segment(skb, s, w, bpf_ntohl(tcp->seq), off, stop);
	return TC_ACT_UNSPEC;
}

/* Most of what leaves is not the mail server's: a glance is enough. */
static __always_inline int detect(struct __sk_buff *skb, bool ethernet)
{
	void *data = (void *)(long)skb->data;
	const struct settings *s = settings_active();
	struct workspace *w;
	struct glance g;
	__u32 zero = 0;
	bool glanced;

	if (!s)
		return TC_ACT_UNSPEC;
	glanced = glance(data, (void *)(long)skb->data_end, ethernet, &g);
	if (glanced && (g.proto != IPPROTO_TCP ||
			!port_is_mail(s, bpf_ntohs(g.tcp->source))))
		return TC_ACT_UNSPEC;
	w = bpf_map_lookup_elem(&scratch, &zero);
	if (!w) /* cannot be */
		return TC_ACT_UNSPEC;
	if (glanced)
		take_headers(w, data, &g);
	else if (!load_headers(w, skb, ethernet) ||
		 !port_is_mail(s, bpf_ntohs(w->tcp.source)))
		return TC_ACT_UNSPEC;
	return read_packet(w, skb, s);
}

SEC("tc")
int detect_ethernet(struct __sk_buff *skb)
{
	return detect(skb, true);
}

SEC("tc")
int detect_raw(struct __sk_buff *skb)
{
	return detect(skb, false);
}

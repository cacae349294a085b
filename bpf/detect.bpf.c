// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor (tc egress): reads the mail server's cleartext replies. It
 * only looks: TC_ACT_UNSPEC leaves the packet to later filters.
 */
#include <linux/errno.h>
#include <stdbool.h>
#include <linux/pkt_cls.h>

#include "answer.h"
#include "believed.h"
#include "claim.h"
#include "failure.h"
#include "headers.h"
#include "hello.h"
#include "maps.h"
#include "proxied.h"
#include "pure/parse.h"
#include "pure/reply.h"
#include "sign.h"
#include "throttle.h"
#include "xclient.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* State while one segment's payload is read, line by line. */
struct scan {
	struct __sk_buff *skb;
	const struct settings *s;
	const struct stream_key *key;
	__u32 off; /* offset of the next byte in the skb */
	__u32 end;
	struct stream *st;
	struct sighting *at;
};

/*
 * Loads up to `most` bytes from offset `off` of the skb, behind the unfinished
 * line in *r. Returns how many, or -EFAULT.
 */
__noinline __weak int load_line(struct __sk_buff *skb, struct reply *r,
				__u32 off, __u32 most)
{
	__u32 n;

	if (!r)
		return -EFAULT;
	n = reply_room(r);
	n = bound_size(n < most ? n : most, LINE_SIZE);
	return bpf_skb_load_bytes(skb, off,
				  r->line + bound_most(reply_at(r), LINE_SIZE),
				  n) ?
		       -EFAULT :
		       (int)n;
}

/* Notes from a line that has ended whether the reply to EHLO offers AUTH. */
static __always_inline void note_offer(struct stream *st, const struct reply *r,
				       __u32 begun, enum reply_verdict v)
{
	if (reply_offers_auth(r))
		st->offer = OFFER_MADE;
	else if (begun == CODE_OK && v != REPLY_MORE && !st->offer)
		st->offer = OFFER_NOT_MADE;
}

/* Has close.bpf.c counted the failure of the reply that has just ended? */
static __always_inline bool is_charged(const struct stream *st)
{
	return (__s32)(st->charged_to - st->replies) > 0;
}

/*
 * Reads one line, or a part of it, and acts on the reply that it ends. Returns
 * 1 to end the scan.
 */
static __always_inline int scan_line(struct scan *x)
{
	struct reply *r = &x->st->reply;
	struct reply_result res = {};
	struct sighting *at = x->at;
	enum reply_verdict v;
	__u32 begun = r->begun;
	int n, whole = 1;

	if (x->off >= x->end)
		return 1;
	n = load_line(x->skb, r, x->off, x->end - x->off);
	if (n < 0) {
		count(COUNTER_LOAD_ERROR, x->skb->len);
		return 1;
	}
	v = reply_feed(r, n, x->s, &res);
	if (v == REPLY_ENCRYPTED) {
		x->st->encrypted = 1;
		return 1;
	}
	x->off += res.used;
	if (!r->len)
		note_offer(x->st, r, begun, v);
	if (v == REPLY_MORE)
		return 0;
	if (v == REPLY_IGNORED_BY_TEXT)
		count(COUNTER_TEXT_IGNORED, 0);
	claim_reply(x->key, x->st->replies, res.code, x->st->first_seq, 0);
	if (x->s->proxies && res.code != CODE_CHALLENGE &&
	    answer_xclient(x->key, x->st->replies, res.code,
			   is_numbered(x->key, x->st)))
		res.code = CODE_OK; /* no TLS follows this 220 */
	if (reply_refuses(v) && is_charged(x->st))
		v = REPLY_IGNORED; /* it was held back */
	if (reply_is_judgement(v))
		whole = find_tried(x->s, x->key, x->st, &at->tried);
	count_reply(x->key, x->st, res.code, reply_refuses(v));
	if (!reply_is_judgement(v))
		return 0;
	if (v == REPLY_CREDIT)
		x->st->state |= STREAM_LOGGED_IN;
	if (!find_client(x->s, x->key, at))
		return 0;
	if (v == REPLY_CREDIT) {
		login_accepted(x->s, &x->st->refusals, &at->peer,
			       at->tried.hash);
		return 0;
	}
	if (!refusal_counts(x->s, v, whole, at))
		return 0;
	at->unjudged = v != REPLY_COUNT;
	at->unanswered = 0;
	at->ifindex = x->skb->ifindex;
	at->code = res.code;
	at->port = bpf_ntohs(x->key->server_port);
	at->text_len = res.len;
	at->sensor = SENSOR_WIRE;
	at->text = r->first;
	login_refused(x->s, &x->st->refusals, at);
	return 0;
}

static long scan_step(__u32 i, void *ctx)
{
	return bound_index(scan_line(ctx), LOOP_VERDICTS);
}

/*
 * How many bytes of a segment (`len` bytes at `seq`) were read before; -1: all.
 * If there is no gap, copies the unfinished line and the numbers to `fresh`.
 */
static __always_inline __s64 already_read(struct __sk_buff *skb,
					  const struct stream *st, __u32 seq,
					  __u32 len, struct stream *fresh)
{
	__s32 seen = st->next_seq - seq;

	if (seen >= (__s64)len)
		return -1;
	fresh->read_seq = st->read_seq;
	fresh->refused = st->refused;
	fresh->state = st->state;
	fresh->offer = st->offer;
	fresh->messages = st->messages;
	fresh->refusals = st->refusals;
	if (seen < 0) {
		count(COUNTER_STREAM_GAP, skb->len);
		/* most likely at the start of a reply: segments mostly are */
		return 0;
	}
	fresh->first_seq = st->first_seq;
	fresh->charged_to = st->charged_to;
	fresh->replies = st->replies;
	fresh->challenges = st->challenges;
	if (reply_unfinished(&st->reply))
		fresh->reply = st->reply;
	return seen;
}

/*
 * Reads the ServerHello from a segment of a TLS stream. Segments that leave out
 * of order make it miss the ServerHello.
 */
static __always_inline void read_encrypted(struct __sk_buff *skb,
					   const struct workspace *w,
					   struct stream *st, __u32 seq,
					   __u32 off, __u32 end)
{
	const struct stream_key *key = &w->key;
	__s32 seen = st->next_seq - seq;

	count(COUNTER_ENCRYPTED, skb->len);
	if (seen < (__s64)(end - off)) {
		if (st->hello.state == HELLO_WANTED && seen < 0)
			st->hello.state = HELLO_MISSED;
		else if (st->hello.state == HELLO_WANTED)
			hello_read(skb, key, &st->hello, off + seen, end);
		/* what is forwarded is believed without a gap only */
		st->next_seq = seq + (end - off);
	}
	note_unseen(key, &st->hello, bpf_ntohl(w->tcp.ack_seq), 0);
}

/*
 * Notes how far the server has read, when replies leave; of a socket that is not
 * known here, how far it has received.
 */
static __always_inline void
note_read(struct __sk_buff *skb, const struct tcphdr *tcp, struct stream *st)
{
	const struct tcp_sock *tp = sender(skb);

	st->read_seq = tp ? tp->copied_seq : bpf_ntohl(tcp->ack_seq);
}

/*
 * Reads a segment whose payload is at [off, end) of the skb. Every stream keeps
 * its entry, even without an unfinished line: a client may acknowledge half a
 * line, and the retransmission from its middle ("500 unknown command: 535 ...")
 * must not be read as a reply.
 */
static __always_inline void read_segment(struct __sk_buff *skb,
					 const struct settings *s,
					 struct workspace *w, struct stream *st,
					 __u32 seq, __u32 off, __u32 end)
{
	const struct stream_key *key = &w->key;
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

	if (st && st->encrypted) {
		read_encrypted(skb, w, st, seq, off, end);
		return;
	}
	__builtin_memset(fresh, 0, sizeof(*fresh));
	fresh->first_seq = seq;
	fresh->state = sender(skb) ? 0 : STREAM_FORWARDED;
	if (st) {
		__s64 seen = already_read(skb, st, seq, end - off, fresh);

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
	if (!st || fresh->replies != st->replies)
		note_read(skb, &w->tcp, fresh);
	x.st->next_seq = seq + (end - off);
	if (x.st->encrypted) {
		count(COUNTER_ENCRYPTED, skb->len);
		__builtin_memset(r, 0, sizeof(*r));
		hello_read(skb, key, &x.st->hello, x.off, end);
		note_unseen(key, &x.st->hello, bpf_ntohl(w->tcp.ack_seq), 0);
	} else if (x.off < end) {
		count(COUNTER_SCAN_LIMIT, skb->len);
		/* some replies were not counted */
		fresh->first_seq = x.st->next_seq;
		r->skip = 1; /* the next segment starts within a line */
		r->line[0] = 0; /* the beginning of that line is unknown */
		r->by_text = 0;
		r->begun = 0;
	}
	if (!st) {
		if (bpf_map_update_elem(&streams, key, x.st, BPF_ANY))
			count(COUNTER_STREAMS_FULL, skb->len);
		return;
	}
	st->next_seq = x.st->next_seq;
	st->encrypted = x.st->encrypted;
	st->first_seq = fresh->first_seq;
	st->replies = fresh->replies;
	st->challenges = fresh->challenges;
	st->read_seq = fresh->read_seq;
	st->refused = fresh->refused;
	st->state = fresh->state;
	st->offer = fresh->offer;
	st->messages = fresh->messages;
	st->charged_to = fresh->charged_to;
	st->refusals = fresh->refusals;
	if (x.st->encrypted || reply_unfinished(r) ||
	    reply_unfinished(&st->reply))
		st->reply = *r;
}

/*
 * Does nothing of the stream need to be read any more, its ServerHello neither?
 * Then nobody asks who sent a packet of it.
 */
static __always_inline bool is_over(const struct stream *st)
{
	return st && st->encrypted && st->hello.state != HELLO_WANTED;
}

static __always_inline void pass_over(const struct __sk_buff *skb,
				      const struct workspace *w,
				      struct stream *st)
{
	count(COUNTER_ENCRYPTED, skb->len);
	if (st->hello.state == HELLO_READ && st->hello.turns < 255)
		note_unseen(&w->key, &st->hello, bpf_ntohl(w->tcp.ack_seq), 0);
}

/* Looks at a stream whose server sends its FIN. */
static __always_inline void end_encrypted(const struct stream_key *key,
					  __u32 ack)
{
	struct stream *st = bpf_map_lookup_elem(&streams, key);

	if (st && st->encrypted)
		note_unseen(key, &st->hello, ack, 1);
}

/* Handles a TCP packet from a mail port, whose headers are in *w. */
static __always_inline int read_packet(struct workspace *w,
				       struct __sk_buff *skb,
				       const struct settings *s)
{
	const struct headers *h = &w->headers;
	const struct tcphdr *tcp = &w->tcp;
	__u32 stop, off;
	int bad;

	w->key.server = h->src;
	w->key.client = h->dst;
	w->key.server_port = tcp->source;
	w->key.client_port = tcp->dest;
	if (tcp->syn) {
		if (is_forged(skb, &w->key))
			return TC_ACT_UNSPEC;
		/* A new connection may start at lower sequence numbers. */
		if (tcp->ack && is_forwarded(skb))
			note_forwarded();
		if (!tcp->ack || !wants_dialogue(s) ||
		    begin_dialogue(&w->key, tcp, sender(skb)))
			bpf_map_delete_elem(&streams, &w->key);
		if (tcp->ack)
			bpf_map_delete_elem(&claims, &w->key);
		if (tcp->ack && s->proxies)
			named_begin(s, &w->key, tcp, !!sender(skb));
		return TC_ACT_UNSPEC;
	}
	bad = find_payload(w, skb->len, &off, &stop);
	if (bad) {
		count(COUNTER_OUT_BAD_TCP, skb->len);
		return TC_ACT_UNSPEC;
	}
	if (stop > skb->len) {
		count(COUNTER_OUT_TRUNCATED, skb->len);
		return TC_ACT_UNSPEC;
	}
	if (off < stop) {
		struct stream *st = bpf_map_lookup_elem(&streams, &w->key);

		if (is_over(st))
			pass_over(skb, w, st);
		else if (is_believed(skb, s, w, off))
			read_segment(skb, s, w, st, bpf_ntohl(tcp->seq), off,
				     stop);
	}
	if (tcp->fin)
		end_encrypted(&w->key, bpf_ntohl(tcp->ack_seq));
	return TC_ACT_UNSPEC;
}

/* Finds packets from mail ports. For most others, glance() is enough. */
static __always_inline int detect(struct __sk_buff *skb, bool ethernet)
{
	void *data = (void *)(long)skb->data;
	const struct settings *s = settings_active();
	struct workspace *w;
	struct glance g;
	__u32 zero = 0;
	bool glanced;
	int r = PARSE_OK;

	if (!s)
		return TC_ACT_UNSPEC;
	glanced = glance(data, (void *)(long)skb->data_end, ethernet, &g);
	if (glanced && (g.proto != IPPROTO_TCP ||
			!port_is_mail(s, bpf_ntohs(g.tcp->source))))
		return TC_ACT_UNSPEC;
	w = bpf_map_lookup_elem(&scratch, &zero);
	if (!w) /* cannot be: an array's only element */
		return TC_ACT_UNSPEC;
	if (glanced)
		take_headers(w, data, &g);
	else
		r = load_headers(w, skb, ethernet);
	if (r != PARSE_OK) {
		count(COUNTER_OUT_TRUNCATED + r, skb->len);
		return TC_ACT_UNSPEC;
	}
	if (!glanced && (w->headers.behind.proto != IPPROTO_TCP ||
			 !port_is_mail(s, bpf_ntohs(w->tcp.source))))
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

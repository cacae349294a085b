/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections from proxies, at tc ingress: reads whom the proxy names, and drops
 * what a banned client sends by it.
 *
 * The entry of map named, which the server's SYN-ACK has made (bpf/proxied.h),
 * knows the number of the connection's first byte. Only there a header may
 * begin, so nobody who does not see the server's SYN-ACK can send one in the
 * proxy's name. A header counts that the server's TCP takes: until it has, a
 * second one at the same place replaces the first, which TCP has refused.
 */
#ifndef SMTPXDP_PROXY_H
#define SMTPXDP_PROXY_H

#include <linux/errno.h>

#include "accepted.h"
#include "ban_table.h"
#include "event_begin.h"
#include "headers.h"
#include "maps.h"
#include "now.h"
#include "pure/proxy_header.h"

/* Chunks of one segment: 64 KiB, of which TLVs are skipped in one step. */
#define HEADER_STEPS 16

/* State while a segment's header is read, chunk by chunk. */
struct heading {
	struct __sk_buff *skb;
	struct named *n;
	__u32 off;
	__u32 end;
	__u32 verdict; /* enum proxy_verdict */
};

static __always_inline int head_chunk(struct heading *x)
{
	struct proxy_header *h = &x->n->header;
	struct proxy_chunk chunk = {};
	__u32 used = 0, left = x->end - x->off, idle;

	if (x->off >= x->end)
		return 1;
	idle = proxy_idle(h);
	if (idle) {
		idle = idle < left ? idle : left;
		h->pos += idle;
		x->off += idle;
		return 0;
	}
	chunk.len = bound_size(left < PROXY_CHUNK ? left : PROXY_CHUNK,
			       PROXY_CHUNK);
	x->verdict = PROXY_NONE;
	if (bpf_skb_load_bytes(x->skb, x->off, chunk.byte, chunk.len))
		return 1;
	x->verdict = proxy_feed(h, &chunk, &used);
	x->off += used;
	return x->verdict != PROXY_MORE;
}

static long head_step(__u32 i, void *ctx)
{
	return bound_index(head_chunk(ctx), LOOP_VERDICTS);
}

/* Has the server's socket taken all bytes before this sequence number? */
static __always_inline bool has_taken(struct __sk_buff *skb,
				      const struct stream_key *key, __u32 seq)
{
	__u32 taken = seq - 1;

	return taken_to(skb, key, &taken) && (__s32)(taken - seq) >= 0;
}

static const struct named named_relayed = { .state = NAMED_RELAYED };

/*
 * A proxy on this host has named a client: the client's connection to the proxy
 * may be one of a mail port, too, on which the same replies leave. They are not
 * to count twice.
 */
static __noinline int mark_relayed(struct __sk_buff *skb,
				   const struct proxy_header *h)
{
	const struct settings *s = settings_active();
	struct stream_key key = {
		.server = h->dst,
		.client = h->src,
		.server_port = h->dport,
		.client_port = h->sport,
	};
	struct bpf_sock *sk;

	if (!s || !port_is_mail(s, bpf_ntohs(h->dport)))
		return 0;
	sk = server_socket(skb, &key);
	if (!sk)
		return 0;
	bpf_sk_release(sk);
	bpf_map_update_elem(&named, &key, &named_relayed, BPF_ANY);
	return 0;
}

/* Notes what the header says that has ended, or that there is none. */
static __always_inline void settle(struct __sk_buff *skb, struct named *n,
				   __u32 verdict)
{
	n->next_seq = n->first_seq + n->header.pos;
	if (verdict == PROXY_MORE)
		return;
	n->state = NAMED_NOBODY;
	if (verdict == PROXY_NAMES) {
		n->client = n->header.src;
		n->state = NAMED_CLIENT;
		mark_relayed(skb, &n->header);
	} else if (verdict == PROXY_NONE) {
		n->next_seq = n->first_seq;
		count(COUNTER_NO_HEADER, 0);
	}
}

/* Begins anew at the connection's first byte. */
static __always_inline void begin_header(struct named *n)
{
	n->next_seq = n->first_seq;
	n->state = NAMED_AWAITED;
	__builtin_memset(&n->header, 0, sizeof(n->header));
}

/*
 * Reads the header, as far as it is in this segment, whose payload is at
 * [off, end) behind the network header. Returns how many bytes of the segment
 * are of the header. A segment behind a gap is left alone: TCP waits, too.
 */
static __noinline int read_header(struct __sk_buff *skb, struct workspace *w,
				  struct named *n)
{
	__u32 seq = bpf_ntohl(w->tcp.seq), off, end;
	struct heading x = { .skb = skb, .n = n, .verdict = PROXY_MORE };
	__s32 read = n->next_seq - seq;
	int l2;

	if (find_payload(w, skb->len, &off, &end) || off >= end || read < 0)
		return 0;
	if (seq == n->first_seq && !has_taken(skb, &w->key, seq + 1)) {
		begin_header(n);
		read = 0;
	}
	if ((__u32)read >= end - off)
		return end - off;
	if (n->state != NAMED_AWAITED)
		return read;
	l2 = l2_len(skb);
	if (l2 < 0)
		return 0;
	x.off = off + read + l2;
	x.end = end + l2;
	bpf_loop(HEADER_STEPS, head_step, &x, 0);
	settle(skb, n, x.verdict);
	return x.verdict == PROXY_NONE ? 0 : x.off - l2 - off;
}

/* Tells the daemon, once, that this connection is to be cut. */
static __always_inline void tell_proxied(struct named *n,
					 const struct stream_key *key)
{
	struct event *e;

	if (n->told)
		return;
	n->told = 1;
	e = event_begin(EVENT_PROXIED);
	if (!e)
		return;
	e->client = n->client;
	e->len = ADDR_BITS;
	e->proxy = key->client;
	bpf_ringbuf_submit(e, 0);
}

/*
 * Does a ban of the client itself hold, for what comes to this port? Counts the
 * packet there if so.
 */
static __noinline int client_is_banned(const struct settings *s,
				       const struct addr *client, __u16 port,
				       __u32 bytes)
{
	struct ban_found ban = {};
	__u32 flags;

	client_of(s, client, &ban.client.addr);
	if (!ban_find_now(&ban))
		return 0;
	if (!ban_is_plain(&ban)) {
		flags = ban_found_flags(&ban);
		if (allow_overrules(allow_find(s, client), flags) ||
		    port_is_spared(s, flags, port))
			return 0;
	}
	ban_count(&ban, bytes);
	return 1;
}

/* Does a ban of a network around the client hold? */
static __noinline int net_is_banned(const struct settings *s,
				    const struct addr *client, __u32 bytes)
{
	struct ban *b = s->have_ban_nets ? ban_net_find(client) : NULL;

	if (!b || allow_overrules(allow_find(s, client), b->flags))
		return 0;
	__sync_fetch_and_add(&b->packets, 1);
	__sync_fetch_and_add(&b->bytes, bytes);
	return 1;
}

/*
 * The segment of a mail port in *w: reads its header, if it comes from a proxy.
 * What is of the header is then passed over in w. 0: the segment is to be
 * dropped, for the client is banned.
 */
static __always_inline int hear_proxy(struct __sk_buff *skb,
				      const struct settings *s,
				      struct workspace *w, struct named *n)
{
	__u32 seq = bpf_ntohl(w->tcp.seq);
	__u16 port = bound_index(bpf_ntohs(w->tcp.dest), 65536);

	/* what begins the next connection, or ends this one, is let in */
	if (n->state == NAMED_RELAYED || w->tcp.syn || w->tcp.rst)
		return 1;
	if (n->state == NAMED_AWAITED || (__s32)(n->next_seq - seq) >= 0) {
		__u32 used = read_header(skb, w, n);

		w->headers.behind.l4 += used;
		w->tcp.seq = bpf_htonl(seq + used);
	}
	if (n->state != NAMED_CLIENT ||
	    (s->scope == SCOPE_MAIL && !port_is_closed(s, port)) ||
	    (!client_is_banned(s, &n->client, port, skb->len) &&
	     !net_is_banned(s, &n->client, skb->len)))
		return 1;
	count(COUNTER_DROP_PROXIED, skb->len);
	tell_proxied(n, &w->key);
	return 0;
}

/* The dialogue of a connection begins behind the proxy's header. */
static __always_inline void dialogue_pass_header(struct wire_dialogue *wire,
						 const struct named *n)
{
	if ((__s32)(n->next_seq - wire->next_seq) > 0 &&
	    wire->next_seq == n->first_seq)
		wire->next_seq = n->next_seq;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor's other half (tc ingress): reads in the client's cleartext
 * who it tries to log in as. Only looks.
 *
 * It sees what the kernel has not looked at yet. What is not the next byte in
 * order ends it, a retransmission, too: for the server may not have taken what
 * was seen first (a wrong checksum is enough), but something else.
 */
#include <linux/errno.h>
#include <stdbool.h>
#include <linux/pkt_cls.h>

#include "headers.h"
#include "maps.h"
#include "parse.h"
#include "sasl.h"

/* Of one packet: as far as a GRO packet goes, if the lines are not too short.
 */
#define LISTEN_STEPS 4096

struct listening {
	struct __sk_buff *skb;
	struct dialogue *d;
	const struct name_key *name_key;
	__u32 challenges;
	bool keep;
	bool lost;
	__u32 off;
	__u32 end;
};

static __always_inline int listen_chunk(struct listening *x)
{
	struct sasl_chunk chunk = { .challenges = x->challenges,
				    .keep = x->keep };
	int used;

	if (x->off >= x->end)
		return 1;
	chunk.len = bound_size(sasl_room(x->end - x->off), SASL_CHUNK);
	if (bpf_skb_load_bytes(x->skb, x->off, chunk.byte, chunk.len)) {
		x->lost = true;
		return 1;
	}
	used = sasl_feed(x->d, x->name_key, &chunk);
	x->lost = used < 0;
	x->off += used;
	return x->lost;
}

static long listen_step(__u32 i, void *ctx)
{
	return bound_index(listen_chunk(ctx), LOOP_VERDICTS);
}

/* A client's segment whose payload lies in [off, end) of the skb. */
static __always_inline void hear(struct __sk_buff *skb,
				 const struct settings *s, struct workspace *w,
				 __u32 off, __u32 end)
{
	struct wire_dialogue *wire = bpf_map_lookup_elem(&dialogues, &w->key);
	const struct stream *st;
	__u32 zero = 0;
	struct listening x = {
		.skb = skb,
		.off = off,
		.end = end,
		.keep = s->log_users,
	};

	if (!wire)
		return;
	st = bpf_map_lookup_elem(&streams, &w->key);
	x.name_key = bpf_map_lookup_elem(&name_key, &zero);
	x.challenges = st ? st->challenges : 0;
	x.d = &wire->d;
	x.lost = bpf_ntohl(w->tcp.seq) != wire->next_seq || !x.name_key ||
		 (st && st->first_seq != wire->first_seq);
	if (!x.lost)
		bpf_loop(LISTEN_STEPS, listen_step, &x, 0);
	if (x.lost || x.off < end)
		bpf_map_delete_elem(&dialogues, &w->key);
	else
		wire->next_seq += end - off;
}

/* What is not of the usual shape is left out: a gap, to its dialogue. */
static __always_inline bool reach(struct __sk_buff *skb, bool ethernet,
				  struct glance *g)
{
	if (glance((void *)(long)skb->data, (void *)(long)skb->data_end,
		   ethernet, g))
		return true;
	return !bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len :
							       PULL_BYTES) &&
	       glance((void *)(long)skb->data, (void *)(long)skb->data_end,
		      ethernet, g);
}

static __always_inline int listen(struct __sk_buff *skb, bool ethernet)
{
	const struct settings *s = settings_active();
	struct workspace *w;
	struct glance g;
	__u32 zero = 0, off, end;

	if (!s || !(s->users & USERS_WIRE) || !reach(skb, ethernet, &g) ||
	    g.proto != IPPROTO_TCP || !port_is_mail(s, bpf_ntohs(g.tcp->dest)))
		return TC_ACT_UNSPEC;
	w = bpf_map_lookup_elem(&scratch, &zero);
	if (!w) /* cannot be */
		return TC_ACT_UNSPEC;
	take_headers(w, (void *)(long)skb->data, &g);
	if (find_payload(w, skb->len, &off, &end) || off >= end)
		return TC_ACT_UNSPEC;
	w->key.server = w->headers.dst;
	w->key.client = w->headers.src;
	w->key.server_port = w->tcp.dest;
	w->key.client_port = w->tcp.source;
	hear(skb, s, w, off, end);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int listen_ethernet(struct __sk_buff *skb)
{
	return listen(skb, true);
}

SEC("tc")
int listen_raw(struct __sk_buff *skb)
{
	return listen(skb, false);
}

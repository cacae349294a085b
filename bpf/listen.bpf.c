// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The listener (tc ingress), the wire sensor's other half: reads from the
 * client's cleartext which user each AUTH tries. It drops only frames of the
 * self-test.
 *
 * It sees segments before the kernel's TCP does, which may refuse them (wrong
 * checksum). So it reads a dialogue only in sequence, and skips the bytes of a
 * retransmission only if the server's socket has taken those seen first.
 * Anything else ends the dialogue, for the server may have taken other bytes
 * than those seen.
 */
#include <linux/errno.h>
#include <stdbool.h>
#include <linux/pkt_cls.h>

#include "accepted.h"
#include "answer.h"
#include "claim.h"
#include "headers.h"
#include "maps.h"
#include "now.h"
#include "proxy.h"
#include "pure/parse.h"
#include "pure/matching.h"
#include "pure/window.h"
#include "shapes.h"
#include "xclient.h"

/* Chunks of one packet: 64 KiB, a full GRO packet, in lines of 16 bytes. */
#define LISTEN_STEPS 4096

/* State while one segment's payload is read, chunk by chunk. */
struct listening {
	struct __sk_buff *skb;
	struct dialogue *d;
	const struct name_key *name_key;
	__u32 challenges;
	__u32 keep; /* enum sasl_keep */
	bool lost;
	__u32 off;
	__u32 end;
	__u32 ahead; /* a byte's sequence number less its offset */
	__u32 when;
	struct named *from; /* of a proxy's connection, or NULL */
};

/* Reads one chunk. Returns 1 to end: all is read, or the dialogue is lost. */
static __always_inline int listen_chunk(struct listening *x)
{
	struct sasl_chunk chunk = { .challenges = x->challenges,
				    .keep = x->keep,
				    .seq = x->ahead + x->off,
				    .when = x->when };
	__u64 before;
	int used;

	if (x->off >= x->end)
		return 1;
	chunk.len = bound_size(sasl_room(x->end - x->off), SASL_CHUNK);
	if (bpf_skb_load_bytes(x->skb, x->off, chunk.byte, chunk.len)) {
		x->lost = true;
		return 1;
	}
	before = before_line(x->d);
	if (x->from)
		one_line(&chunk);
	used = sasl_feed(x->d, x->name_key, &chunk);
	x->lost = used < 0;
	if (x->from && !x->lost)
		hear_xclient(x->from, x->d, &chunk, used, before);
	x->off += used;
	return x->lost;
}

static long listen_step(__u32 i, void *ctx)
{
	return bound_index(listen_chunk(ctx), LOOP_VERDICTS);
}

/* Has the socket taken all bytes before this sequence number, and no more? */
static __always_inline bool was_taken(struct __sk_buff *skb,
				      const struct stream_key *key, __u32 seq)
{
	__u32 taken = seq - 1;

	return taken_to(skb, key, &taken) && taken == seq;
}

/* Has the greeting not left, for which a client waits? */
static __always_inline bool is_early(const struct wire_dialogue *wire,
				     const struct stream *st)
{
	return !st && !wire->replies;
}

/*
 * Is a segment of `len` bytes beyond what is read? A connection whose socket is
 * not on this machine (a container) may be as far ahead as it is quiet.
 */
static __always_inline bool is_beyond(struct __sk_buff *skb,
				      const struct stream_key *key,
				      struct wire_dialogue *wire,
				      const struct stream *st, __u32 len)
{
	bool early;

	if (st && st->replies != wire->replies) {
		wire->replies = st->replies;
		wire->quiet = 0;
	}
	early = is_early(wire, st);
	wire->quiet += len;
	if (wire->quiet > (early ? EARLY_BYTES : QUIET_BYTES) ||
	    wire->d.commands - wire->replies >
		    (early ? EARLY_COMMANDS : QUIET_COMMANDS))
		return true;
	if (wire->next_seq - wire->taken_seq < AHEAD_BYTES)
		return false;
	if (!taken_to(skb, key, &wire->taken_seq))
		wire->taken_seq = wire->next_seq;
	return wire->next_seq - wire->taken_seq >= AHEAD_BYTES;
}

/*
 * Goes on with the first segment behind a message that the server has replied
 * to. The dialogue is adrift: bytes may have come with the message's end, and
 * whether they were answered is not known.
 */
static __always_inline void pass_message(struct wire_dialogue *wire,
					 const struct stream *st, __u32 seq)
{
	wire->messages = st->messages;
	wire->next_seq = seq;
	wire->d.adrift = 1;
	wire->d.commands = st->replies;
	wire->d.responses = st->challenges;
	wire->d.sasl.mode = SASL_START;
}

/*
 * How many bytes of a segment (`len` bytes at `seq`) to skip, for they were
 * read before; -1: the dialogue cannot be followed any more.
 */
static __always_inline __s64 heard_before(struct __sk_buff *skb,
					  const struct stream_key *key,
					  const struct wire_dialogue *wire,
					  __u32 seq, __u32 len)
{
	__s32 old = wire->next_seq - seq;

	if (!old)
		return 0;
	if (old < 0 || !was_taken(skb, key, wire->next_seq))
		return -1;
	return (__u32)old < len ? old : len;
}

/*
 * How many challenges there were. One that did not wait for the client's line
 * is answered by a line that was read as a command, so no further line is the
 * response.
 */
static __always_inline __u32 open_challenges(const struct wire_dialogue *wire,
					     const struct stream *st)
{
	if (!st)
		return 0;
	return st->state & STREAM_ADRIFT ? wire->d.responses : st->challenges;
}

/*
 * Reads a client's segment; the offsets in w->headers are from data. False: the
 * dialogue cannot be followed any more.
 */
static __always_inline bool hear(struct __sk_buff *skb,
				 const struct settings *s, struct workspace *w,
				 struct wire_dialogue *wire,
				 const struct stream *st, struct named *from)
{
	__u32 zero = 0, seq = bpf_ntohl(w->tcp.seq);
	struct listening x = {
		.skb = skb,
		.from = from,
		.keep = s->users & USERS_WIRE ? sasl_keep(s) : 0,
		.when = window_tick(now_jiffies(), s->tick_shift),
	};
	__s64 old;

	x.name_key = bpf_map_lookup_elem(&name_key, &zero);
	x.d = &wire->d;
	x.challenges = open_challenges(wire, st);
	if (find_payload(w, skb->len, &x.off, &x.end) || !x.name_key ||
	    w->tcp.urg || (st && st->first_seq != wire->first_seq))
		return false;
	if (st && st->messages != wire->messages &&
	    !(st->state & STREAM_MESSAGE) && (__s32)(wire->next_seq - seq) <= 0)
		pass_message(wire, st, seq);
	x.ahead = seq - x.off;
	if (st && st->state & STREAM_MESSAGE) {
		if ((__s32)(x.ahead + x.end - wire->next_seq) > 0)
			wire->next_seq = x.ahead + x.end;
		return true;
	}
	old = heard_before(skb, &w->key, wire, seq, x.end - x.off);
	if (old < 0 || is_beyond(skb, &w->key, wire, st, x.end - x.off - old))
		return false;
	x.off += old;
	wire->d.adrift |= x.off < x.end && is_early(wire, st);
	bpf_loop(LISTEN_STEPS, listen_step, &x, 0);
	if ((__s32)(x.ahead + x.end - wire->next_seq) > 0)
		wire->next_seq = x.ahead + x.end;
	return !x.lost && x.off >= x.end;
}

/* Has nothing of the dialogue come so far? */
static __always_inline bool is_first(const struct wire_dialogue *wire)
{
	return wire->d.commands == 1 && wire->d.sasl.mode == SASL_START;
}

/* Does this segment, whose text is at `off`, begin as a proxy's would? */
static __always_inline void hear_claim(struct __sk_buff *skb,
				       const struct workspace *w,
				       const struct wire_dialogue *wire,
				       const struct stream *st, __u32 off)
{
	__u32 seq = bpf_ntohl(w->tcp.seq);

	if (w->tcp.syn || wire->next_seq != seq)
		return;
	if (is_first(wire))
		claim_begin(skb, &w->key, off, 0);
	else if (st && st->first_seq == wire->first_seq &&
		 st->messages == wire->messages &&
		 awaits_command(&wire->d, st->replies, st->challenges))
		claim_begin(skb, &w->key, off, st->replies);
}

/*
 * Passes the segment on, but drops a frame of the self-test: no other program
 * or socket is to get it.
 */
static __always_inline int pass(const struct stream_key *key)
{
	return addr_is_v4(&key->client) &&
			       key->client.d[3] == bpf_htonl(SELF_TEST_CLIENT) ?
		       TC_ACT_SHOT :
		       TC_ACT_UNSPEC;
}

/*
 * Starts the dialogue of a SYN that carries text (TCP Fast Open), unless there
 * is one; begin_dialogue() sees whether the server's socket takes the text.
 */
static __always_inline struct wire_dialogue *begin_fast(struct workspace *w)
{
	struct wire_dialogue *wire;
	__u32 seq = bpf_ntohl(w->tcp.seq) + 1;

	if (bpf_map_update_elem(&dialogues, &w->key, &dialogue_zero,
				BPF_NOEXIST))
		return NULL;
	wire = bpf_map_lookup_elem(&dialogues, &w->key);
	if (!wire)
		return NULL;
	wire->next_seq = seq;
	wire->d.commands = 1;
	w->tcp.seq = bpf_htonl(seq); /* of the text */
	return wire;
}

SEC("tc")
int listen(struct __sk_buff *skb)
{
	const struct settings *s = settings_active();
	struct named *n = NULL;
	struct wire_dialogue *wire;
	const struct stream *st;
	struct workspace *w;
	__u32 off, end;
	int l2;

	if (!s || !wants_dialogue(s) || !may_be_mail(skb, s))
		return TC_ACT_UNSPEC;
	w = take(skb, s);
	if (!w)
		return TC_ACT_UNSPEC;
	if (s->proxies)
		n = bpf_map_lookup_elem(&named, &w->key);
	if (n && !hear_proxy(skb, s, w, n))
		return TC_ACT_SHOT;
	/* The urgent byte may come in a later segment, which does not tell. */
	if (!w->tcp.urg &&
	    (find_payload(w, skb->len, &off, &end) || off >= end))
		return TC_ACT_UNSPEC;
	wire = w->tcp.syn ? begin_fast(w) :
			    bpf_map_lookup_elem(&dialogues, &w->key);
	if (!wire)
		return TC_ACT_UNSPEC;
	if (n)
		dialogue_pass_header(wire, n);
	if (wire->lost)
		return pass(&w->key);
	st = w->tcp.syn ? NULL : bpf_map_lookup_elem(&streams, &w->key);
	if (st && (st->state & STREAM_TLS || st->encrypted)) {
		bpf_map_delete_elem(&dialogues, &w->key);
		return pass(&w->key);
	}
	l2 = l2_len(skb);
	w->headers.l3 += l2;
	w->headers.behind.l4 += l2;
	if (!n && l2 >= 0)
		hear_claim(skb, w, wire, st, off + l2);
	if (l2 < 0 || !hear(skb, s, w, wire, st, n))
		wire->lost = LOST_TEXT;
	else if (w->tcp.syn)
		wire->lost = LOST_FAST; /* until the server takes it */
	return pass(&w->key);
}

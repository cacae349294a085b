/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire sensor numbers the server's replies, so that a failed login can be
 * matched with its AUTH: see pure/sasl.h.
 *
 * listen.bpf.c alone writes to an entry of map dialogues once its connection does,
 * detect.bpf.c alone to one of map streams; each reads the other's numbers.
 * close.bpf.c reads both when the server's socket closes.
 */
#ifndef SMTPXDP_ANSWER_H
#define SMTPXDP_ANSWER_H

#include "maps.h"
#include "pure/matching.h"

#include <linux/tcp.h>
#include <bpf/bpf_endian.h>

/* Static: too large for the BPF stack. */
static const struct wire_dialogue dialogue_zero;

/* Does anything need the client's side of dialogues in cleartext? */
static __always_inline bool wants_dialogue(const struct settings *s)
{
	return s->users & USERS_WIRE || s->unanswered || s->proxies;
}

/*
 * Starts the dialogue at the server's SYN-ACK: the greeting is reply 0. `fast`:
 * a full socket sends it (TCP Fast Open), so it has taken text of the SYN, which
 * the listener may have read. False: it came before.
 */
static __always_inline bool begin_dialogue(const struct stream_key *key,
					   const struct tcphdr *tcp, bool fast)
{
	__u32 first = bpf_ntohl(tcp->seq) + 1, ack = bpf_ntohl(tcp->ack_seq);
	struct wire_dialogue *w = bpf_map_lookup_elem(&dialogues, key);

	if (w && w->first_seq == first)
		return false;
	if (!fast || !w || w->lost != LOST_FAST || w->next_seq != ack) {
		bpf_map_update_elem(&dialogues, key, &dialogue_zero, BPF_ANY);
		w = bpf_map_lookup_elem(&dialogues, key);
		if (!w)
			return true;
		w->next_seq = ack;
		w->taken_seq = ack;
		w->d.commands = 1;
		w->lost = fast ? LOST_FAST : LOST_NOT;
	} else {
		w->lost = LOST_NOT;
	}
	w->first_seq = first;
	return true;
}

/* Is it known which reply answers which command of this stream? */
static __noinline __attribute__((unused)) int
is_numbered(const struct stream_key *key, const struct stream *st)
{
	const struct wire_dialogue *w = bpf_map_lookup_elem(&dialogues, key);

	return w && !w->lost && !w->d.adrift && w->first_seq == st->first_seq &&
	       !(st->state & STREAM_ADRIFT);
}

/*
 * Copies to *tried the user of the login that the current reply answers; all
 * zero if that is not known. Returns 0 if the reply came before the client had
 * sent all of the login.
 */
static __noinline __attribute__((unused)) int
find_tried(const struct settings *s, const struct stream_key *key,
	   const struct stream *st, struct tried *tried)
{
	const struct wire_dialogue *w;
	const struct attempt *a;

	__builtin_memset(tried, 0, sizeof(*tried));
	if (!(s->users & USERS_WIRE) || st->state & STREAM_ADRIFT)
		return 1;
	w = bpf_map_lookup_elem(&dialogues, key);
	if (!w || w->lost || w->first_seq != st->first_seq)
		return 1;
	a = dialogue_attempt(&w->d, st->replies);
	if (!a)
		return 1;
	*tried = a->tried;
	return a->whole;
}

/*
 * Marks the stream by what its dialogue tells: it was followed, or the client
 * did not wait for this challenge.
 */
static __always_inline void meet_dialogue(const struct stream_key *key,
					  struct stream *st, __u32 code)
{
	const struct wire_dialogue *w = bpf_map_lookup_elem(&dialogues, key);

	if (!w || w->first_seq != st->first_seq)
		return;
	st->state |= STREAM_FOLLOWED;
	if (code == CODE_CHALLENGE &&
	    !dialogue_challenged(&w->d, st->replies, st->challenges))
		st->state |= STREAM_ADRIFT;
}

/*
 * Counts a reply that has ended; `counts`: as a failure. Deletes the dialogue
 * when the client has logged in.
 */
static __noinline __attribute__((unused)) int
count_reply(const struct stream_key *key, struct stream *st, __u32 code,
	    __u32 counts)
{
	if (!st->replies || code == CODE_CHALLENGE)
		meet_dialogue(key, st, code);
	if (code == CODE_CHALLENGE) {
		st->challenges++;
		return 0;
	}
	if (code == CODE_MESSAGE) {
		st->messages++;
		st->state |= STREAM_MESSAGE;
		return 0;
	}
	if (code == CODE_READY && st->replies)
		st->state |= STREAM_TLS;
	st->state &= ~STREAM_MESSAGE;
	st->replies++;
	st->refused += counts && st->refused < 0xffff;
	if (code == CODE_LOGGED_IN) {
		st->state |= STREAM_LOGGED_IN;
		bpf_map_delete_elem(&dialogues, key);
	}
	return 0;
}

#endif

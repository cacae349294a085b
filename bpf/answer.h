/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire sensor numbers the server's replies, so that a failed login can be
 * matched with its AUTH: see pure/sasl.h.
 *
 * listen.bpf.c alone writes to an entry of map dialogues once it exists,
 * detect.bpf.c alone to one of map streams; each reads the other's numbers.
 */
#ifndef SMTPXDP_ANSWER_H
#define SMTPXDP_ANSWER_H

#include "maps.h"
#include "pure/sasl.h"

#include <linux/tcp.h>
#include <bpf/bpf_endian.h>

/* Static: too large for the BPF stack. */
static const struct wire_dialogue dialogue_zero;

/* Starts the dialogue at the server's SYN-ACK: the greeting is reply 0. */
static __always_inline void begin_dialogue(const struct stream_key *key,
					   const struct tcphdr *tcp)
{
	struct wire_dialogue *w;

	bpf_map_update_elem(&dialogues, key, &dialogue_zero, BPF_ANY);
	w = bpf_map_lookup_elem(&dialogues, key);
	if (!w)
		return;
	w->next_seq = bpf_ntohl(tcp->ack_seq);
	w->first_seq = bpf_ntohl(tcp->seq) + 1;
	w->d.commands = 1;
}

/*
 * Copies to *tried the user of the login that the current reply answers; all
 * zero if that is not known.
 */
static __noinline __attribute__((unused)) int
find_tried(const struct settings *s, const struct stream_key *key,
	   const struct stream *st, struct tried *tried)
{
	const struct wire_dialogue *w;
	const struct attempt *a;

	__builtin_memset(tried, 0, sizeof(*tried));
	if (!(s->users & USERS_WIRE))
		return 0;
	w = bpf_map_lookup_elem(&dialogues, key);
	if (!w || w->first_seq != st->first_seq)
		return 0;
	a = dialogue_attempt(&w->d, st->replies);
	if (a)
		*tried = a->tried;
	return 0;
}

/*
 * Counts a reply that has ended. Deletes the dialogue when it cannot be
 * followed any more (a message follows, a challenge out of order) or the client
 * has logged in.
 */
static __noinline __attribute__((unused)) int
count_reply(const struct stream_key *key, struct stream *st, __u32 code)
{
	const struct wire_dialogue *w;

	if (code == CODE_CHALLENGE) {
		w = bpf_map_lookup_elem(&dialogues, key);
		if (w &&
		    !dialogue_challenged(&w->d, st->replies, st->challenges))
			bpf_map_delete_elem(&dialogues, key);
		st->challenges++;
		return 0;
	}
	st->replies++;
	if (code == CODE_MESSAGE || code == CODE_LOGGED_IN)
		bpf_map_delete_elem(&dialogues, key);
	return 0;
}

#endif

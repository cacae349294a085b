/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notices a proxy that the key `proxies` does not name, by what a server says:
 * anybody may send what proxies send.
 *
 * - Its connections begin with a header of the PROXY protocol. A server that
 *   knows of none says something else to it than 250, the reply to EHLO, and
 *   never begins TLS.
 * - It sends XCLIENT, and the server accepts it: 220, and the next reply is 250,
 *   in the clear if that was. Whoever is not authorized gets 503 or 550. Behind
 *   the 220 to STARTTLS, no 250 comes in the clear, and none is sent within TLS.
 *
 * A client could send one text in a segment that the server's TCP refuses, and
 * another one in its place: then its dialogue is lost (listen.bpf.c), and
 * nothing is noticed.
 */
#ifndef SMTPXDP_CLAIM_H
#define SMTPXDP_CLAIM_H

#include "claimant.h"
#include "event_begin.h"
#include "maps.h"
#include "now.h"
#include "pure/sasl.h"

#include <bpf/bpf_endian.h>

/* Do these first bytes of a connection begin a header? */
static __always_inline bool begins_header(const __u8 *b)
{
	if (b[0] == 'P')
		return b[1] == 'R' && b[2] == 'O' && b[3] == 'X' &&
		       b[4] == 'Y' && b[5] == ' ';
	return b[0] == '\r' && b[1] == '\n' && b[2] == '\r' && b[3] == '\n' &&
	       !b[4] && b[5] == '\r';
}

/* "XCLIENT ", in any case. */
static __always_inline bool begins_xclient(__u64 first)
{
	union {
		char c[8];
		__u64 word;
	} is = { { 'x', 'c', 'l', 'i', 'e', 'n', 't', ' ' } };

	return (first | 0x2020202020202020ULL) == is.word;
}

/*
 * Is the client's next byte a command's first, that reply number `replies`, of
 * d, will answer? Not known where anything else may be under way.
 */
static __always_inline bool awaits_command(const struct dialogue *d,
					   __u32 replies, __u32 challenges)
{
	return replies && !d->adrift && d->sasl.mode == SASL_START &&
	       d->commands == replies && d->responses == challenges;
}

/*
 * Notes that a segment's text, at `off` of the skb, begins a header; or an
 * XCLIENT, if reply number `number` will answer it (0: it is the connection's
 * first text).
 */
static __noinline __attribute__((unused)) int
claim_begin(struct __sk_buff *skb, const struct stream_key *key, __u32 off,
	    __u32 number)
{
	union {
		__u8 byte[8];
		__u64 word;
	} first = {};
	__u32 claim = number ? claim_asked(number) : CLAIM_HEADER;

	if (bpf_skb_load_bytes(skb, off, &first, sizeof(first)))
		return 0;
	if (number ? begins_xclient(first.word) : begins_header(first.byte))
		bpf_map_update_elem(&claims, key, &claim, BPF_ANY);
	return 0;
}

static __always_inline void tell_claim(const struct stream_key *key, __u32 code)
{
	struct event *e = event_begin(EVENT_CLAIM);

	if (!e)
		return;
	e->client = key->client;
	e->len = ADDR_BITS;
	e->port = bpf_ntohs(key->server_port);
	e->code = code;
	bpf_ringbuf_submit(e, 0);
}

/* The server has taken what claims a client's address: `code` 220, XCLIENT. */
static __always_inline void claim_taken(const struct stream_key *key,
					__u32 code)
{
	struct claimant now = {}, *was;

	was = bpf_map_lookup_elem(&claimants, &key->client);
	now.server = key->server;
	now.port = bpf_ntohs(key->server_port);
	now.code = code;
	now.last = now_boot_ns();
	if (!was || now.last - was->last > CLAIM_SECONDS * 1000000000ULL)
		tell_claim(key, code);
	bpf_map_update_elem(&claimants, &key->client, &now, BPF_ANY);
}

/*
 * Is what was read of the client's text what the server's TCP has taken, on the
 * connection whose replies are counted from `first_seq` (NULL: not known)?
 */
static __always_inline bool is_heard(const struct stream_key *key,
				     const __u32 *first_seq)
{
	const struct wire_dialogue *w = bpf_map_lookup_elem(&dialogues, key);

	return w && !w->lost && (!first_seq || *first_seq == w->first_seq);
}

/*
 * Reply number `number` of a connection has ended, in the clear or inside TLS
 * (`tls`). A global function: verified once.
 */
__noinline __weak int claim_reply(const struct stream_key *to, __u32 number,
				  __u32 code, __u32 first_seq, int tls)
{
	struct stream_key key;
	__u32 *claim, asked;
	bool heard;

	if (!to)
		return 0;
	key = *to; /* 6.1: see has_claim() */
	claim = bpf_map_lookup_elem(&claims, &key);
	if (!claim)
		return 0;
	asked = claim_number(*claim);
	heard = tls || is_heard(&key, &first_seq);
	if (number == asked && *claim & CLAIM_GRANTED && heard)
		return 0; /* the greeting */
	if (number == asked && code == CODE_READY && heard) {
		*claim |= CLAIM_GRANTED;
		return 0;
	}
	if (*claim & CLAIM_GRANTED && number == asked + 1 && code == CODE_OK &&
	    (asked || heard))
		claim_taken(&key, asked ? CODE_READY : 0);
	bpf_map_delete_elem(&claims, &key);
	return 0;
}

/* A ServerHello leaves: behind a header alone is it one of a proxy. */
static __noinline __attribute__((unused)) int
claim_hello(const struct stream_key *key)
{
	const __u32 *claim = bpf_map_lookup_elem(&claims, key);

	if (!claim)
		return 0;
	if (*claim == CLAIM_HEADER && is_heard(key, NULL))
		claim_taken(key, 0);
	bpf_map_delete_elem(&claims, key);
	return 0;
}

#endif

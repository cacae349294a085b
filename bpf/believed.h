/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For the wire sensor: did a mail server send this packet, on a connection that
 * it has accepted? accepted.h says what proves it.
 */
#ifndef SMTPXDP_BELIEVED_H
#define SMTPXDP_BELIEVED_H

#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "accepted.h"
#include "headers.h"
#include "hello.h"
#include "now.h"

/*
 * Notes what was not believed, if it looks like the reply of a mail server or
 * the beginning of TLS: the server may have to be named.
 */
static __always_inline void note_doubt(struct __sk_buff *skb,
				       const struct stream_key *key,
				       enum doubt doubt, __u32 off)
{
	__u32 i = doubt;
	struct doubted *d;
	__u8 b[4];

	count(COUNTER_OUT_UNPROVED, skb->len);
	if (bpf_skb_load_bytes(skb, off, b, sizeof(b)) ||
	    !((b[0] >= '2' && b[0] <= '5' && b[1] >= '0' && b[1] <= '9' &&
	       b[2] >= '0' && b[2] <= '9' && (b[3] == ' ' || b[3] == '-')) ||
	      (b[0] == RECORD_HANDSHAKE && b[1] == 3)))
		return;
	d = bpf_map_lookup_elem(&doubts, &i);
	if (!d)
		return;
	d->server = key->server;
	d->port = bpf_ntohs(key->server_port);
	d->when = bpf_jiffies64();
}

/*
 * Is the payload at `seq` what the server of a forwarded connection sent? Of one
 * that is not named, the first packet must begin where the server's socket did,
 * and the others must leave no gap.
 */
static __always_inline bool
is_of_server(const struct settings *s, const struct stream_key *key, __u32 seq)
{
	struct accepted_key begun = { .client = key->client,
				      .client_port = key->client_port,
				      .first_seq = seq };
	const struct stream *st;

	if (is_named(s, &key->server))
		return true;
	st = bpf_map_lookup_elem(&streams, key);
	if (st && st->state & STREAM_FORWARDED)
		return (__s32)(st->next_seq - seq) >= 0;
	if (bpf_map_delete_elem(&accepted_elsewhere, &begun))
		return false;
	bpf_map_update_elem(&forwarded, &begun, key, BPF_ANY);
	return true;
}

/*
 * Did a mail server send the payload at `off`, on a connection that it has
 * accepted? A capture does not tell. Not inlined, to save stack.
 */
static __noinline int is_believed(struct __sk_buff *skb,
				  const struct settings *s,
				  const struct workspace *w, __u32 off)
{
	const struct tcp_sock *tp = sender(skb);
	const struct stream_key *key = &w->key;
	enum listener by;

	if (replaying)
		return 1;
	if (!tp) {
		if (is_of_server(s, key, bpf_ntohl(w->tcp.seq)))
			return 1;
		note_doubt(skb, key, DOUBT_FORWARDED, off);
		return 0;
	}
	by = accepted_by(tp, mark_of_sender(skb));
	if (by == LISTENER_SERVER ||
	    (by == LISTENER_USER && is_named(s, &key->server)))
		return 1;
	if (by == LISTENER_USER)
		note_doubt(skb, key, DOUBT_USER, off);
	else if (!is_bound(tp) && port_of(tp) != key->server_port)
		note_doubt(skb, key, DOUBT_FORWARDED, off); /* NAT here */
	else
		count(COUNTER_OUT_OUTGOING, skb->len);
	return 0;
}

/*
 * Is a packet that no TCP socket sends of a connection whose socket is here?
 * Then it was sent raw. Not so if somebody here only listens at that address:
 * Docker's proxy does, for what NAT does not reach.
 */
static __noinline int is_forged(struct __sk_buff *skb,
				const struct stream_key *key)
{
	struct bpf_sock *sk = sender(skb) ? NULL : server_socket(skb, key);
	int full;

	if (!sk)
		return 0;
	full = sk->state != BPF_TCP_LISTEN && bpf_skc_to_tcp_sock(sk);
	bpf_sk_release(sk);
	return full;
}

#endif

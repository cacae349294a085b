/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notices a proxy that the key `proxies` does not name: its connections begin
 * with a header of the PROXY protocol, and the server takes that. Anybody may
 * send a header; but a server that knows of none says something else to it than
 * 250, the reply to EHLO, and never begins TLS.
 */
#ifndef SMTPXDP_CLAIM_H
#define SMTPXDP_CLAIM_H

#include "event_begin.h"
#include "maps.h"
#include "now.h"

/* Do these first bytes of a connection begin a header? */
static __always_inline bool begins_header(const __u8 *b)
{
	if (b[0] == 'P')
		return b[1] == 'R' && b[2] == 'O' && b[3] == 'X' &&
		       b[4] == 'Y' && b[5] == ' ';
	return b[0] == '\r' && b[1] == '\n' && b[2] == '\r' && b[3] == '\n' &&
	       !b[4] && b[5] == '\r';
}

/* Notes that a connection's first byte, at `off` of the skb, begins a header. */
static __noinline __attribute__((unused)) int
claim_begin(struct __sk_buff *skb, const struct stream_key *key, __u32 off)
{
	__u8 first[6] = {};
	__u32 one = 1;

	if (!bpf_skb_load_bytes(skb, off, first, sizeof(first)) &&
	    begins_header(first))
		bpf_map_update_elem(&claims, key, &one, BPF_ANY);
	return 0;
}

static __always_inline void tell_claim(const struct stream_key *key)
{
	struct event *e = event_begin(EVENT_CLAIM);

	if (!e)
		return;
	e->client = key->client;
	e->len = ADDR_BITS;
	e->port = bpf_ntohs(key->server_port);
	bpf_ringbuf_submit(e, 0);
}

/* The server has said what it says only behind a header that it took, or none. */
static __noinline __attribute__((unused)) int
claim_taken(const struct stream_key *key)
{
	struct claimant now = {}, *was;

	if (!bpf_map_lookup_elem(&claims, key))
		return 0;
	bpf_map_delete_elem(&claims, key);
	was = bpf_map_lookup_elem(&claimants, &key->client);
	now.server = key->server;
	now.port = bpf_ntohs(key->server_port);
	now.last = now_boot_ns();
	if (!was || now.last - was->last > CLAIM_SECONDS * 1000000000ULL)
		tell_claim(key);
	bpf_map_update_elem(&claimants, &key->client, &now, BPF_ANY);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The wire sensor on TLS streams: reads the ServerHello. By its random, the TLS
 * sensor finds a session's client (tls_session.h). The client can make it
 * arrive in pieces, by small windows.
 */
#ifndef SMTPXDP_HELLO_H
#define SMTPXDP_HELLO_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "claim.h"
#include "maps.h"
#include "now.h"

/* RFC 8446: record types (5.1), handshake type (4). */
#define RECORD_HEADER 5
#define RECORD_CCS 20
#define RECORD_HANDSHAKE 22
#define HANDSHAKE_SERVER_HELLO 2

/*
 * Steps for one segment, at most: for a HelloRetryRequest, a change_cipher_spec
 * and the ServerHello each one for the header, one for the rest.
 */
#define HELLO_STEPS 8

/* A HelloRetryRequest is a ServerHello with this random (RFC 8446, 4.1.3). */
static __always_inline bool hello_is_retry(const struct hello *h)
{
	const __u8 *r = h->byte + HELLO_RANDOM_AT;

	return r[0] == 0xcf && r[1] == 0x21 && r[2] == 0xad && r[3] == 0x74 &&
	       r[4] == 0xe5 && r[5] == 0x9a && r[6] == 0x61 && r[7] == 0x11;
}

/* The first 16 bytes of the ServerHello's random. */
static __always_inline struct tls_random hello_random(const struct hello *h)
{
	struct tls_random r;

	__builtin_memcpy(&r, h->byte + HELLO_RANDOM_AT, sizeof(r));
	return r;
}

/*
 * Tells the TLS sensor, by map tls_hellos, where the ServerHello goes. One that
 * a proxy on this host passes on to the client goes to that proxy.
 */
static __always_inline void hello_tell(const struct hello *h,
				       const struct stream_key *to)
{
	struct stream_key key = *to; /* 6.1: see has_claim() */
	struct tls_hello hello = {
		.client = key.client,
		.port = bpf_ntohs(key.server_port),
		.stream = key,
		.sent = now_boot_ns(),
	};
	struct tls_random random = hello_random(h);
	const struct named *n = bpf_map_lookup_elem(&named, &key);

	if (n && n->state == NAMED_RELAYED)
		return;
	bpf_map_update_elem(&tls_hellos, &random, &hello, BPF_ANY);
	claim_hello(&key);
}

/*
 * Decides on a record of which the header or HELLO_SIZE bytes are loaded: wait
 * for more, skip it, take it as the ServerHello, or give up. A global function:
 * verified once.
 */
__noinline __weak int hello_judge(struct hello *h, const struct stream_key *key)
{
	__u32 record;

	if (!h || !key)
		return 0;
	record = (h->byte[3] << 8 | h->byte[4]) + RECORD_HEADER;
	if (h->byte[0] == RECORD_HANDSHAKE && h->len < HELLO_SIZE &&
	    record >= HELLO_SIZE)
		return 0; /* only the header so far */
	if (h->byte[0] == RECORD_CCS ||
	    (h->len == HELLO_SIZE &&
	     h->byte[RECORD_HEADER] == HANDSHAKE_SERVER_HELLO &&
	     hello_is_retry(h))) {
		h->skip = record - h->len;
		h->len = 0;
	} else if (h->len == HELLO_SIZE &&
		   h->byte[RECORD_HEADER] == HANDSHAKE_SERVER_HELLO) {
		h->state = HELLO_READ;
		hello_tell(h, key);
	} else {
		h->state = HELLO_MISSED;
	}
	return 0;
}

/* Reads TLS records at [off, end) of the skb. Not inlined, to save stack. */
static __noinline __attribute__((unused)) int
hello_read(struct __sk_buff *skb, const struct stream_key *key, struct hello *h,
	   __u32 off, __u32 end)
{
	for (int i = 0; i < HELLO_STEPS; i++) {
		__u32 len = h->len, n;

		if (off >= end || h->state != HELLO_WANTED)
			return 0;
		if (h->skip) {
			n = h->skip < end - off ? h->skip : end - off;
			h->skip -= n;
			off += n;
			continue;
		}
		n = (len < RECORD_HEADER ? RECORD_HEADER : HELLO_SIZE) - len;
		if (n > end - off)
			n = end - off;
		if (bpf_skb_load_bytes(skb, off,
				       h->byte + bound_most(len, HELLO_SIZE),
				       bound_size(n, HELLO_SIZE))) {
			h->state = HELLO_MISSED;
			return 0;
		}
		off += n;
		h->len += n;
		if (h->len == RECORD_HEADER || h->len == HELLO_SIZE)
			hello_judge(h, key);
	}
	if (off < end)
		h->state = HELLO_MISSED;
	return 0;
}

#endif

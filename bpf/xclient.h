/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XCLIENT on connections from proxies (map named): what the proxy sends waits
 * under the number of its reply, as AUTHs do (pure/sasl.h), and names the client
 * where the server accepts it by 220.
 */
#ifndef SMTPXDP_XCLIENT_READ_H
#define SMTPXDP_XCLIENT_READ_H

#include "maps.h"
#include "pure/xclient.h"

/* Cuts a chunk behind its first line. */
static __always_inline void one_line(struct sasl_chunk *chunk)
{
	__u32 end = sasl_line_end(chunk->word);

	if (end < chunk->len)
		chunk->len = bound_size(end + 1, SASL_CHUNK);
}

/*
 * The dialogue has taken `used` bytes of a chunk that one_line() has cut.
 * `began`: they begin a line; `commands`: those of the dialogue before.
 */
static __noinline __attribute__((unused)) int
hear_xclient(struct named *n, const struct dialogue *d,
	     const struct sasl_chunk *chunk, __u32 used, __u64 before)
{
	bool began = before >> 32;

	if (began)
		xclient_begin(&n->xclient, d->commands != (__u32)before);
	xclient_feed(&n->xclient, &n->header.text, chunk, used);
	if (d->sasl.mode != SASL_START || n->xclient.mode == XCLIENT_OTHER ||
	    !n->xclient.found)
		return 0;
	n->asked = 1;
	n->asked_reply = d->commands - 1;
	return 0;
}

/* What hear_xclient() wants to know of the dialogue before the bytes. */
static __always_inline __u64 before_line(const struct dialogue *d)
{
	return (__u64)(d->sasl.mode == SASL_START) << 32 | d->commands;
}

/*
 * Reply number `number` has ended: if it accepts an XCLIENT, the client is
 * whom that named; nobody, if it is not sure which reply is which (`sure`).
 * Returns whether it did.
 */
static __noinline __attribute__((unused)) int
answer_xclient(const struct stream_key *key, __u32 number, __u32 code, int sure)
{
	struct named *n = bpf_map_lookup_elem(&named, key);

	if (!n || !n->asked || n->asked_reply != number)
		return 0;
	n->asked = 0;
	if (code != CODE_READY)
		return 0;
	n->client = n->xclient.addr;
	n->state = sure && n->xclient.found == XCLIENT_ADDRESS ? NAMED_CLIENT :
								 NAMED_NOBODY;
	n->told = 0;
	return 1;
}

#endif

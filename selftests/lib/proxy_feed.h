/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Feeds a PROXY protocol's header to bpf/pure/proxy_header.h, as bpf/proxy.h does. */
#ifndef SMTPXDP_TEST_PROXY_FEED_H
#define SMTPXDP_TEST_PROXY_FEED_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pure/proxy_header.h"

/*
 * Begins a header, and feeds text by chunks of at most `step` bytes; returns the
 * verdict, and in *used how many bytes are of the header.
 */
static inline int feed_header(struct proxy_header *h, const void *text,
			      size_t len, size_t step, size_t *used)
{
	const uint8_t *at = text;
	int v = PROXY_MORE;

	memset(h, 0, sizeof(*h));
	for (*used = 0; *used < len && v == PROXY_MORE;) {
		struct proxy_chunk chunk = { .len = len - *used };
		uint32_t n = 0, idle = proxy_idle(h);

		if (idle) {
			idle = idle < chunk.len ? idle : chunk.len;
			h->pos += idle;
			*used += idle;
			continue;
		}
		if (chunk.len > step)
			chunk.len = step;
		memcpy(chunk.byte, at + *used, chunk.len);
		v = proxy_feed(h, &chunk, &n);
		if (n < 1 || n > chunk.len)
			abort(); /* a loop without end, or past the text */
		*used += n;
	}
	return v;
}

#endif

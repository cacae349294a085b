/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Postfix' command XCLIENT, by which a proxy names its client (Postfix'
 * XCLIENT_README): "XCLIENT ADDR=192.0.2.7 NAME=client.example", byte by byte.
 * Pure.
 */
#ifndef SMTPXDP_XCLIENT_H
#define SMTPXDP_XCLIENT_H

#include "pure/proxy_header.h"
#include "pure/sasl.h"

enum xclient_mode {
	XCLIENT_OTHER, /* another line */
	XCLIENT_VERB,
	XCLIENT_ATTRIBUTE, /* an attribute's name, as far as it is "ADDR=" */
	XCLIENT_SKIP, /* another attribute */
	XCLIENT_ADDR,
};

enum xclient_found {
	XCLIENT_NOTHING, /* the address does not change */
	XCLIENT_ADDRESS, /* xclient.addr is the client */
	XCLIENT_NOBODY, /* it is said not to be known, or cannot be read */
};

#define XCLIENT_WORD_SIZE 20 /* see PROXY_WORD_SIZE */

static const char xclient_words[3][XCLIENT_WORD_SIZE] = {
	[0] = "XCLIENT",
	[1] = "ADDR=",
	[2] = "IPV6:",
};

/* A line begins that may be the command. */
static inline void xclient_begin(struct xclient *x, bool may_be)
{
	__builtin_memset(x, 0, sizeof(*x));
	x->mode = may_be ? XCLIENT_VERB : XCLIENT_OTHER;
}

static inline bool xclient_matches(const struct xclient *x, int word, __u8 c)
{
	return xclient_words[word][bound_index(x->pos, 16)] == sasl_upper(c);
}

/* The address ends. */
static inline void xclient_end(struct xclient *x, struct proxy_text *t)
{
	bool fine = x->v6 ? x->pos >= 5 && proxy_v6_end(t, &x->addr) :
			    x->pos && proxy_v4_end(t, &x->addr);

	if (!fine || x->quoted)
		x->found = XCLIENT_NOBODY;
	else if (x->found != XCLIENT_NOBODY)
		x->found = XCLIENT_ADDRESS;
}

/* Takes a character of the address, decoded. */
static inline void xclient_addr(struct xclient *x, struct proxy_text *t, __u8 c)
{
	bool fine;

	if (!x->pos) {
		proxy_begin_text(t);
		x->v6 = sasl_upper(c) == 'I';
	}
	if (x->v6 && x->pos < 5)
		fine = xclient_matches(x, 2, c);
	else
		fine = x->v6 ? proxy_v6_char(t, c) : proxy_v4_char(t, c);
	if (!fine) /* also of "[UNAVAILABLE]" */
		x->found = XCLIENT_NOBODY;
	if (x->pos < 15)
		x->pos++;
}

/* Takes a character of the address: xtext (RFC 3461, 4). */
static inline void xclient_value(struct xclient *x, struct proxy_text *t,
				 __u8 c)
{
	if (!x->quoted && c == '+') {
		x->quoted = 2;
		x->byte = 0;
		return;
	}
	if (x->quoted) {
		int v = proxy_digit(c);

		if (v < 0)
			x->found = XCLIENT_NOBODY;
		x->byte = x->byte << 4 | (v & 15);
		if (--x->quoted)
			return;
		c = x->byte;
	}
	xclient_addr(x, t, c);
}

/* A space, or the line's end. */
static inline void xclient_space(struct xclient *x, struct proxy_text *t)
{
	if (x->mode == XCLIENT_ADDR)
		xclient_end(x, t);
	if (x->mode == XCLIENT_VERB && x->pos != 7)
		x->mode = XCLIENT_OTHER;
	if (x->mode == XCLIENT_OTHER)
		return;
	x->mode = XCLIENT_ATTRIBUTE;
	x->pos = 0;
}

/* Takes a byte of the line. */
PURE_FUNCTION int xclient_byte(struct xclient *x, struct proxy_text *t, __u8 c)
{
	if (!x || !t)
		return 0;
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		xclient_space(x, t);
		return 0;
	}
	switch (x->mode) {
	case XCLIENT_VERB:
		if (x->pos >= 7 || !xclient_matches(x, 0, c))
			x->mode = XCLIENT_OTHER;
		x->pos++;
		break;
	case XCLIENT_ATTRIBUTE:
		x->mode = xclient_matches(x, 1, c) ? XCLIENT_ATTRIBUTE :
						     XCLIENT_SKIP;
		if (++x->pos == 5 && x->mode == XCLIENT_ATTRIBUTE) {
			x->mode = XCLIENT_ADDR;
			x->found = XCLIENT_NOTHING; /* the last one counts */
			x->pos = 0;
			x->quoted = 0;
		}
		break;
	case XCLIENT_ADDR:
		xclient_value(x, t, c);
	}
	return 0;
}

/* Takes the first `n` bytes of a chunk, which are of one line. */
PURE_FUNCTION int xclient_feed(struct xclient *x, struct proxy_text *t,
			       const struct sasl_chunk *chunk, __u32 n)
{
	if (!x || !t || !chunk || x->mode == XCLIENT_OTHER)
		return 0;
	for (__u32 i = 0; i < SASL_CHUNK; i++) {
		if (i >= bound_hide(n))
			break;
		xclient_byte(x, t, chunk->byte[bound_index(i, SASL_CHUNK)]);
	}
	return 0;
}

#endif

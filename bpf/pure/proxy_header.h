/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The header of the PROXY protocol (haproxy's doc/proxy-protocol.txt), versions
 * 1 (a line of text) and 2 (binary), byte by byte, so that it does not matter
 * how it is cut into segments. Strict: what is not exactly a header is none.
 * Pure.
 */
#ifndef SMTPXDP_PROXY_HEADER_H
#define SMTPXDP_PROXY_HEADER_H

#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "addr.h"
#include "bound.h"
#include "named.h"
#include "pure/function.h"

#define PROXY_CHUNK 64 /* most bytes that proxy_feed() takes at once */
#define PROXY_TEXT_MAX 107 /* bytes of version 1, with its CRLF */
#define PROXY_FIXED 16 /* bytes of version 2 before the addresses */
#define PROXY_V4 12 /* bytes of two IPv4 addresses and ports */
#define PROXY_V6 36
#define PROXY_NOT_DECIMAL 65536 /* more digits do not make it less */

enum proxy_verdict {
	PROXY_MORE, /* the header goes on */
	PROXY_NAMES, /* it has ended, and names header.src */
	PROXY_NOBODY, /* it has ended, and names nobody */
	PROXY_NONE, /* this is no header */
};

enum proxy_field {
	PROXY_FIELD_WORD, /* "PROXY TCP4 ", "PROXY UNKNOWN" */
	PROXY_FIELD_SRC,
	PROXY_FIELD_DST,
	PROXY_FIELD_SPORT,
	PROXY_FIELD_DPORT,
	PROXY_FIELD_REST, /* of a line that names nobody */
	PROXY_FIELD_LF,
};

struct proxy_chunk {
	__u8 byte[PROXY_CHUNK];
	__u32 len; /* 1..PROXY_CHUNK */
};

/* ---- version 1 */

static inline void proxy_begin_text(struct proxy_text *t)
{
	__builtin_memset(t, 0, sizeof(*t));
}

static inline int proxy_digit(__u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes a digit of a number of at most `most` digits; false: it cannot be. */
static inline bool proxy_take_digit(struct proxy_text *t, int v, __u32 most)
{
	if (t->digits >= most)
		return false;
	t->hex = t->hex << 4 | v;
	t->decimal = v < 10 ? t->decimal * 10 + v : PROXY_NOT_DECIMAL;
	t->digits++;
	return true;
}

/* Adds an octet in decimal, without leading zeros: the unfinished number. */
static inline bool proxy_take_octet(struct proxy_text *t)
{
	__u32 digits = t->decimal < 10 ? 1 : t->decimal < 100 ? 2 : 3;

	if (t->digits != digits || t->decimal > 255)
		return false;
	t->dotted = t->dotted << 8 | t->decimal;
	t->hex = 0;
	t->decimal = 0;
	t->digits = 0;
	return true;
}

static inline bool proxy_add_group(struct proxy_text *t, __u16 group)
{
	if (t->n >= 8)
		return false;
	t->group[bound_index(t->n, 8)] = group;
	t->n++;
	t->hex = 0;
	t->decimal = 0;
	t->digits = 0;
	return true;
}

/* Takes a character of an IPv4 address. */
static inline bool proxy_v4_char(struct proxy_text *t, __u8 c)
{
	if (c == '.')
		return t->dots++ < 3 && proxy_take_octet(t);
	return c >= '0' && c <= '9' && proxy_take_digit(t, c - '0', 3);
}

static inline bool proxy_v4_end(struct proxy_text *t, struct addr *a)
{
	if (t->dots != 3 || !proxy_take_octet(t))
		return false;
	a->q[0] = 0;
	a->d[2] = ADDR_V4_WORD;
	a->d[3] = bpf_htonl(t->dotted);
	return true;
}

/* Takes a character of an IPv6 address (RFC 4291, 2.2). */
static inline bool proxy_v6_char(struct proxy_text *t, __u8 c)
{
	int v = proxy_digit(c);

	if (c == '.')
		return t->dots++ < 3 && proxy_take_octet(t);
	if (c == ':') {
		if (t->dots)
			return false;
		if (t->digits && !proxy_add_group(t, t->hex))
			return false;
		if (++t->colons < 2)
			return true;
		if (t->colons > 2 || t->gap)
			return false;
		t->gap = t->n + 1;
		return true;
	}
	/* one colon alone does not begin an address */
	if (v < 0 || (t->colons == 1 && !t->n && !t->gap))
		return false;
	t->colons = 0;
	return proxy_take_digit(t, v, 4);
}

/* Puts the groups into an address, with zeros for "::". */
static inline void proxy_v6_spread(const struct proxy_text *t, struct addr *a)
{
	__u32 before = t->gap ? t->gap - 1 : 8, zeros = 8 - t->n;

	for (__u32 i = 0; i < 8; i++) {
		__u16 g = i < before ? t->group[i] :
			  i < before + zeros ?
				       0 :
				       t->group[bound_index(i - zeros, 8)];

		a->b[2 * i] = g >> 8;
		a->b[2 * i + 1] = g;
	}
}

static inline bool proxy_v6_end(struct proxy_text *t, struct addr *a)
{
	if (t->dots) {
		if (t->dots != 3 || !proxy_take_octet(t) ||
		    !proxy_add_group(t, t->dotted >> 16) ||
		    !proxy_add_group(t, t->dotted))
			return false;
	} else if (t->digits) {
		if (!proxy_add_group(t, t->hex))
			return false;
	} else if (t->colons != 2) {
		return false;
	}
	if (t->gap ? t->n > 7 : t->n != 8)
		return false;
	proxy_v6_spread(t, a);
	return true;
}

/* Takes a character of a port, or with `end` what follows it. */
static inline bool proxy_port_char(struct proxy_text *t, __u8 c, bool end,
				   __be16 *port)
{
	if (!end)
		return c >= '0' && c <= '9' && proxy_take_digit(t, c - '0', 5);
	if (!t->digits || t->decimal > 65535)
		return false;
	*port = bpf_htons(t->decimal);
	return true;
}

/*
 * clang puts constants of 16 or 32 bytes into sections of their own, for which
 * the linker of BPF objects writes no right BTF: these have more.
 */
#define PROXY_WORD_SIZE 20

/* How a line begins: of a client by TCP (IPv4, or 6 there), and of nobody. */
static const char proxy_words[2][PROXY_WORD_SIZE] = { "PROXY UNKNOWN",
						      "PROXY TCP4 " };

/* Is this byte right at its place in one of them? */
static inline bool proxy_word(struct proxy_header *h, __u8 c)
{
	__u32 pos = bound_index(h->pos, 16);

	if (pos == 6)
		h->names = c == 'T';
	if (pos == 9 && h->names) {
		h->v6 = c == '6';
		return c == '4' || c == '6';
	}
	if (pos == (h->names ? 10 : 12))
		h->field = h->names ? PROXY_FIELD_SRC : PROXY_FIELD_REST;
	return c == proxy_words[h->names & 1][pos];
}

/* An address is under way, or ends at a space. Returns whether it may be one. */
PURE_FUNCTION int proxy_address(struct proxy_header *h, __u8 c)
{
	struct proxy_text *t;
	struct addr *a;
	bool fine;

	if (!h)
		return 0;
	t = &h->text;
	a = h->field == PROXY_FIELD_SRC ? &h->src : &h->dst;
	if (c != ' ')
		return h->v6 ? proxy_v6_char(t, c) : proxy_v4_char(t, c);
	fine = h->v6 ? proxy_v6_end(t, a) : proxy_v4_end(t, a);
	h->field++;
	proxy_begin_text(t);
	return fine;
}

/* A port is under way, or ends at `end`. */
static inline bool proxy_port(struct proxy_header *h, __u8 c, __u8 end,
			      __be16 *port)
{
	struct proxy_text *t = &h->text;

	if (!proxy_port_char(t, c, c == end, port))
		return false;
	if (c == end) {
		h->field = end == ' ' ? PROXY_FIELD_DPORT : PROXY_FIELD_LF;
		proxy_begin_text(t);
	}
	return true;
}

/* Takes a byte of version 1. */
PURE_FUNCTION int proxy_line(struct proxy_header *h, __u8 c)
{
	bool fine = true;

	if (!h || h->pos >= PROXY_TEXT_MAX)
		return PROXY_NONE;
	switch (h->field) {
	case PROXY_FIELD_WORD:
		fine = proxy_word(h, c);
		break;
	case PROXY_FIELD_SRC:
	case PROXY_FIELD_DST:
		fine = proxy_address(h, c);
		break;
	case PROXY_FIELD_SPORT:
		fine = proxy_port(h, c, ' ', &h->sport);
		break;
	case PROXY_FIELD_DPORT:
		fine = proxy_port(h, c, '\r', &h->dport);
		break;
	case PROXY_FIELD_REST:
		fine = c != '\n';
		if (c == '\r')
			h->field = PROXY_FIELD_LF;
		break;
	default:
		if (c == '\n')
			return h->names ? PROXY_NAMES : PROXY_NOBODY;
		fine = false;
	}
	return fine ? PROXY_MORE : PROXY_NONE;
}

/* ---- version 2 */

/* Byte `i` of an address, v4-mapped where it is IPv4. */
static inline void proxy_put(struct addr *a, __u32 i, bool v6, __u8 c)
{
	if (!i && !v6) {
		a->q[0] = 0;
		a->d[2] = ADDR_V4_WORD;
	}
	a->b[bound_index(v6 ? i : i + 12, 16)] = c;
}

/* Takes byte `i` of the addresses and ports. */
static inline void proxy_ends(struct proxy_header *h, __u32 i, __u8 c)
{
	__u32 len = h->v6 ? 16 : 4;

	if (i < len)
		proxy_put(&h->src, i, h->v6, c);
	else if (i < 2 * len)
		proxy_put(&h->dst, i - len, h->v6, c);
	else if (i < 2 * len + 2)
		((__u8 *)&h->sport)[i & 1] = c;
	else if (i < 2 * len + 4)
		((__u8 *)&h->dport)[i & 1] = c;
}

/* The length is known: does the header name a client? False: it cannot be. */
static inline bool proxy_judge(struct proxy_header *h)
{
	if (!h->names)
		return true; /* LOCAL: what follows is to be ignored */
	h->v6 = h->field == 0x21;
	h->names = h->field == 0x11 || h->field == 0x21; /* TCP */
	return !h->names ||
	       h->size >= PROXY_FIXED + (h->v6 ? PROXY_V6 : PROXY_V4);
}

/* The first twelve bytes. */
static const __u8 proxy_mark[PROXY_WORD_SIZE] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
};

/* Takes a byte of version 2. */
PURE_FUNCTION int proxy_binary(struct proxy_header *h, __u8 c)
{
	__u32 pos;

	if (!h)
		return PROXY_NONE;
	pos = h->pos;
	if (pos < 12)
		return c == proxy_mark[bound_index(pos, 16)] ? PROXY_MORE :
							       PROXY_NONE;
	switch (pos) {
	case 12: /* version and command */
		h->names = c == 0x21;
		return c == 0x20 || c == 0x21 ? PROXY_MORE : PROXY_NONE;
	case 13:
		h->field = c;
		return PROXY_MORE;
	case 14:
		h->size = c << 8;
		return PROXY_MORE;
	case 15:
		h->size = PROXY_FIXED + (h->size | c);
		if (!proxy_judge(h))
			return PROXY_NONE;
		break;
	default:
		if (h->names)
			proxy_ends(h, pos - PROXY_FIXED, c);
	}
	if (pos + 1 < h->size)
		return PROXY_MORE;
	return h->names ? PROXY_NAMES : PROXY_NOBODY;
}

/* ---- both */

/* How many of the next bytes say nothing of interest, and can be skipped. */
static inline __u32 proxy_idle(const struct proxy_header *h)
{
	__u32 from = PROXY_FIXED + (!h->names ? 0 : PROXY_V6);

	/* the last byte is not skipped: it ends the header */
	return h->version == 2 && h->pos >= from && h->pos + 1 < h->size ?
		       h->size - h->pos - 1 :
		       0;
}

/* Takes one byte; h begins with zeros. Returns enum proxy_verdict. */
PURE_FUNCTION int proxy_byte(struct proxy_header *h, __u8 c)
{
	int v;

	if (!h)
		return PROXY_NONE;
	if (!h->version)
		h->version = c == 'P' ? 1 : 2;
	v = h->version == 1 ? proxy_line(h, c) : proxy_binary(h, c);
	h->pos++;
	return v;
}

/*
 * Takes bytes of a chunk up to the header's end, and adds to *used how many.
 * Returns enum proxy_verdict.
 */
PURE_FUNCTION int proxy_feed(struct proxy_header *h,
			     const struct proxy_chunk *chunk, __u32 *used)
{
	if (!h || !chunk || !used)
		return PROXY_NONE;
	for (__u32 i = 0; i < PROXY_CHUNK; i++) {
		int v;

		if (i >= *(volatile const __u32 *)&chunk->len)
			break;
		v = proxy_byte(h, chunk->byte[bound_index(i, PROXY_CHUNK)]);
		++*used;
		if (v != PROXY_MORE)
			return v;
	}
	return PROXY_MORE;
}

#endif

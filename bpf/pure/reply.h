/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads SMTP reply lines (RFC 5321, 4.2): three digits, then a space, a hyphen
 * or the line's end. Pure: no map and no context, so that BPF programs, unit
 * tests and fuzzers build the same source.
 *
 * The caller loads up to reply_room() bytes at reply_at() and calls
 * reply_feed(), until the payload is used up. struct reply then holds the
 * unfinished line, to go on with the next segment.
 */
#ifndef SMTPXDP_REPLY_H
#define SMTPXDP_REPLY_H

#include <stdbool.h>

#include "pure/function.h"
#include "stream.h"

/*
 * Limits of one packet, or one write to a TLS library: 64 KiB, the largest GSO
 * packet before BIG TCP, in lines of 8 bytes ("250 ok\r\n", the shortest reply
 * known). Servers flush replies at 4 KiB or sooner; only a client that has kept
 * its window shut gets more in one packet.
 */
#define SCAN_BYTES 65536
#define SCAN_STEPS 8192

enum reply_verdict {
	REPLY_MORE, /* no reply has ended */
	REPLY_IGNORED,
	REPLY_IGNORED_BY_TEXT,
	REPLY_COUNT,
	REPLY_CREDIT,
	REPLY_THROTTLED, /* this and the next count of some: bpf/throttle.h */
	REPLY_UNASKED,
	REPLY_ENCRYPTED, /* a TLS record starts in place of a line */
};

struct reply_result {
	__u32 used; /* bytes consumed, 1..n */
	__u16 code; /* code of the reply that has ended */
	__u16 len; /* bytes kept of that reply's last line, in reply.line */
};

/* Does the verdict say that a login failed, of some clients at least? */
static inline bool reply_refuses(enum reply_verdict v)
{
	return v == REPLY_COUNT || v == REPLY_THROTTLED || v == REPLY_UNASKED;
}

/* Does the verdict say how a login went? */
static inline bool reply_is_judgement(enum reply_verdict v)
{
	return reply_refuses(v) || v == REPLY_CREDIT;
}

/* Is there a line, or a reply of several lines, to go on with? */
static inline int reply_unfinished(const struct reply *r)
{
	return r->len || r->skip || r->by_text || r->begun;
}

/*
 * Is this the type of a TLS record (RFC 8446, 5.1; RFC 6520)? No reply line
 * starts with these bytes.
 */
static inline int reply_is_tls(__u8 first)
{
	return first >= 0x14 && first <= 0x18;
}

/* Offset in r->line at which the next bytes are to be loaded. */
static inline __u32 reply_at(const struct reply *r)
{
	return r->skip ? LINE_SIZE : r->len;
}

/* How many bytes may be loaded there, 1..LINE_SIZE. */
static inline __u32 reply_room(const struct reply *r)
{
	return r->skip ? LINE_SIZE : LINE_SIZE - r->len;
}

/* 0x80 in the bytes of w that are LF; exact up to the first LF. */
static inline __u64 reply_lf(__u64 w)
{
	const __u64 ones = 0x0101010101010101ULL;

	w ^= ones * '\n';
	return (w - ones) & ~w & (ones << 7);
}

/* Index of the first LF in eight bytes, or 8. */
static inline __u32 reply_lf_at(__u64 w)
{
	__u64 hit;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	hit = reply_lf(w);
	if (!hit)
		return 8;
	hit = (hit & -hit) >> 7; /* 1 << 8 * byte */
	return hit * 0x0001020304050607ULL >> 56;
}

/* Index of the first LF in LINE_SIZE bytes, or LINE_SIZE. */
static inline __u32 reply_line_end(const __u64 *word)
{
	for (__u32 i = 0; i < LINE_SIZE / 8; i++) {
		__u32 at = reply_lf_at(word[i]);

		if (at < 8)
			return i * 8 + at;
	}
	return LINE_SIZE;
}

/* The longest text that the line starts with: its enum action + 1, or 0. */
PURE_FUNCTION int reply_match(const struct reply *r, __u32 len,
			      const struct settings *s)
{
	if (!r || !s)
		return 0;
	for (__u32 i = 0; i < TEXTS_MAX; i++) {
		const struct text *t = &s->texts[i];
		__u64 diff;

		if (i >= s->n_texts)
			break;
		/* no branch: the verifier would follow both ways */
		/* nonzero: the text is longer than the line */
		diff = ((__u64)len - t->len) >> 63;
		for (int j = 0; j < TEXT_SIZE / 8; j++)
			diff |= (r->word[j] ^ t->bytes[j]) & t->mask[j];
		if (!diff)
			return t->action + 1;
	}
	return 0;
}

/* The reply code of a line of `len` bytes (without LF): 200..599, or 0. */
static inline __u32 reply_code(const __u8 *line, __u32 len)
{
	__u8 a = line[0] - '0', b = line[1] - '0', c = line[2] - '0';

	if (len < 3 || a < 2 || a > 5 || b > 9 || c > 9)
		return 0;
	if (len > 3 && line[3] != ' ' && line[3] != '-' &&
	    !(len == 4 && line[3] == '\r'))
		return 0;
	return 100 * a + 10 * b + c;
}

/* Judges a line that has ended, of which the first `len` bytes are kept. */
static inline enum reply_verdict reply_judge(struct reply *r, __u32 len,
					     const struct settings *s,
					     struct reply_result *out)
{
	__u32 code = reply_code(r->line, len);
	__u8 rule, said;

	/* makes the compiler keep the check below for the verifier */
	asm("" : "+r"(code));
	r->begun = 0;
	if (!code || code >= CODE_MAX) {
		r->by_text = 0;
		return REPLY_MORE;
	}
	rule = s->codes[code];
	said = r->by_text;
	if (rule & CODE_HAS_TEXT) {
		int text = reply_match(r, len, s);

		if (text)
			said = text;
	}
	if (len > 3 && r->line[3] == '-') { /* not the reply's last line */
		r->by_text = said;
		r->begun = code;
		return REPLY_MORE;
	}
	r->by_text = 0;
	out->code = code;
	out->len = len;
	if (said == ACTION_IGNORE + 1)
		return REPLY_IGNORED_BY_TEXT;
	switch (said ? said - 1 : rule & ~CODE_HAS_TEXT) {
	case ACTION_COUNT:
		return REPLY_COUNT;
	case ACTION_CREDIT:
		return REPLY_CREDIT;
	case ACTION_THROTTLE:
		return REPLY_THROTTLED;
	case ACTION_UNASKED:
		return REPLY_UNASKED;
	default:
		return REPLY_IGNORED;
	}
}

/* Does any of the `codes` codes from `prefix` on count? */
static inline bool reply_prefix_counts(const struct settings *s, __u32 prefix,
				       __u32 codes)
{
	for (__u32 i = 0; i < codes; i++) {
		__u32 code = prefix + i;

		if (code < CODE_MAX &&
		    (s->codes[code] & ~CODE_HAS_TEXT) == ACTION_COUNT)
			return true;
	}
	return false;
}

/*
 * Could this unfinished reply have become one that counts? One that has not
 * begun could.
 */
PURE_FUNCTION int reply_may_count(const struct reply *r,
				  const struct settings *s)
{
	__u8 a, b;
	int said;

	if (!r || !s)
		return 0;
	if (r->by_text)
		return r->by_text == ACTION_COUNT + 1;
	if (r->begun)
		return reply_prefix_counts(s, r->begun, 1);
	if (!r->len && !r->skip)
		return 1;
	a = r->line[0] - '0';
	b = r->line[1] - '0';
	if (a < 2 || a > 5)
		return 0;
	if (!r->skip && r->len == 1)
		return reply_prefix_counts(s, 100 * a, 100);
	if (b > 9)
		return 0;
	if (!r->skip && r->len == 2)
		return reply_prefix_counts(s, 100 * a + 10 * b, 10);
	said = reply_match(r, r->skip ? LINE_SIZE : r->len, s);
	if (said)
		return said == ACTION_COUNT + 1;
	return reply_prefix_counts(s, reply_code(r->line, 3), 1);
}

/* Does the line that has just ended offer AUTH? */
static inline bool reply_offers_auth(const struct reply *r)
{
	static const union {
		char text[8];
		__u64 word;
	} more = { { '2', '5', '0', '-', 'A', 'U', 'T', 'H' } },
	  last = { { '2', '5', '0', ' ', 'A', 'U', 'T', 'H' } };

	return r->word[0] == more.word || r->word[0] == last.word;
}

/*
 * Takes n bytes (1..reply_room()) that were loaded at reply_at(), and consumes
 * them up to the line's end: out->used. The caller loads the rest again.
 */
PURE_FUNCTION enum reply_verdict reply_feed(struct reply *r, __u32 n,
					    const struct settings *s,
					    struct reply_result *out)
{
	enum reply_verdict v;
	__u32 end, len;

	if (!r || !s || !out)
		return REPLY_MORE;
	if (r->skip) {
		end = reply_line_end(r->word + LINE_SIZE / 8);
		if (end >= n) {
			out->used = n;
			return REPLY_MORE;
		}
		out->used = end + 1;
		len = LINE_SIZE;
	} else {
		if (r->len == 0 && reply_is_tls(r->line[0])) {
			out->used = n;
			return REPLY_ENCRYPTED;
		}
		/* bytes behind the new ones are stale: no LF counts there */
		end = reply_line_end(r->word);
		len = r->len + n;
		if (end >= len) {
			out->used = n;
			r->len = len;
			r->skip = len >= LINE_SIZE;
			return REPLY_MORE;
		}
		out->used = end + 1 - r->len;
		len = end;
	}
	v = reply_judge(r, len, s, out);
	r->len = 0;
	r->skip = 0;
	return v;
}

#endif

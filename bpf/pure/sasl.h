/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the client's lines to learn which user a reply to AUTH (RFC 4954) is
 * about. Pure: see reply.h.
 *
 * A name is exact or unknown, never wrong. Replies have no numbers, but come in
 * the order of the commands, one for each; so commands and replies are counted
 * (the greeting is reply 0), and an AUTH's name is kept under the number of its
 * reply. A challenge (334) counts apart, and the client's line after it is no
 * command. Where the two counts could diverge, the dialogue is adrift from there
 * on: AUTHs are counted, but no reply tells which of them it is about.
 * - a command already sent follows the one that is challenged: the server takes
 *   it for the response. dialogue_challenged() tells.
 * - a proxy puts a line in front.
 * - an empty command, one that begins with NUL, or a TLS record: some servers do
 *   not reply to it.
 * - a CR within an AUTH: some servers take it for a blank, some for the end.
 * - a message (after 354: the caller's part).
 * Where text that is no line follows, chunks (BDAT), the dialogue is given up
 * (SASL_LOST).
 *
 * What an AUTH says is decoded by credentials.h.
 */
#ifndef SMTPXDP_SASL_H
#define SMTPXDP_SASL_H

#include <stdbool.h>

#include "bound.h"
#include "pure/credentials.h"
#include "pure/reply.h"

/* Reply codes that change what the client's next line is. */
#define CODE_CHALLENGE 334
#define CODE_MESSAGE 354
#define CODE_LOGGED_IN 235
#define CODE_READY 220
#define CODE_OK 250

#define SASL_CHUNK 64 /* most bytes that sasl_feed() takes at once */

/*
 * Bytes of a line that are read one by one, which is dear: a name takes 320 at
 * most (RFC 3696, 3), 428 in base64, and a password that is compared 340. The
 * rest is skipped, and the user unknown.
 */
#define SASL_READ 1024

/* A piece of the client's text. */
struct sasl_chunk {
	union {
		__u8 byte[SASL_CHUNK];
		__u64 word[SASL_CHUNK / 8];
	};
	__u32 len; /* 1..SASL_CHUNK */
	__u32 challenges; /* challenges of the server when this text came */
	__u32 keep; /* enum sasl_keep */
	__u32 seq; /* TCP sequence number of the first byte */
	__u32 when; /* tick of the window, for struct attempt */
	__u32 pad;
};

/* How many of `bytes` go into one chunk. */
static inline __u32 sasl_room(__u64 bytes)
{
	return bytes < SASL_CHUNK ? bytes : SASL_CHUNK;
}

enum sasl_verdict {
	SASL_MORE,
	SASL_LOST, /* the dialogue cannot be followed any more */
};

/*
 * Ends an AUTH without initial response, or with an empty one. Some servers
 * take LOGIN's empty one for an empty name; the next response would be the
 * password then.
 */
static inline void sasl_no_initial(struct sasl *s)
{
	if (s->mech != SASL_OTHER &&
	    (s->mech != SASL_LOGIN || s->mode != SASL_EMPTY))
		s->want = WANT_NAME;
	s->mode = SASL_END;
}

static inline void sasl_end_mech(struct sasl *s)
{
	s->mech = sasl_word(s);
	if (s->mech > SASL_CRAM_MD5)
		s->mech = SASL_OTHER;
	s->mode = SASL_BEFORE_INITIAL;
}

/* How many lines with credentials an AUTH of this mechanism has. */
static inline __u32 sasl_parts(const struct sasl *s)
{
	return s->mech == SASL_LOGIN ? 2 : 1;
}

/*
 * Notes of an AUTH's line that has ended before sequence number `end` whether
 * it makes the AUTH whole.
 */
static inline void sasl_line_ended(struct dialogue *d, __u32 end, __u32 when)
{
	struct sasl *s = &d->sasl;
	struct attempt *a;

	if (!s->of_auth)
		return;
	s->of_auth = 0;
	a = sasl_attempt(d);
	a->end = end;
	a->when = when;
	a->whole = !s->cancels && s->parts >= sasl_parts(s);
}

/* The line of an AUTH ends, by CR or by LF alone. */
static inline void sasl_end(struct dialogue *d, const struct name_key *key,
			    __u32 keep)
{
	struct sasl *s = &d->sasl;

	if (s->mode == SASL_MECH)
		sasl_end_mech(s);
	if (s->mode == SASL_BEFORE_INITIAL || s->mode == SASL_EMPTY)
		sasl_no_initial(s);
	else if (s->naming)
		sasl_end_base64(d, key, keep);
	else
		s->mode = SASL_SKIP;
}

/* A line starts: as a response, if a challenge is open, else as a command. */
static inline enum sasl_verdict sasl_begin(struct dialogue *d,
					   const struct name_key *key,
					   __u32 challenges, __u8 c)
{
	struct sasl *s = &d->sasl;

	d->read = 0;
	if ((__s32)(challenges - d->responses) > 0) {
		d->responses++;
		s->of_auth = d->n > 0;
		s->cancels = c == '*';
		s->parts += s->parts < 2;
		s->mode = SASL_SKIP;
		if (s->want == WANT_NAME && !d->adrift)
			sasl_begin_name(s, key);
		else if (s->want == WANT_SECRET && !d->adrift)
			sasl_begin_base64(s, SASL_SECRET);
		s->want = WANT_NOTHING;
		return SASL_MORE;
	}
	d->commands++;
	s->want = WANT_NOTHING;
	s->of_auth = 0;
	s->cr = 0;
	d->adrift |= !c || c == '\n' || c == '\r' || reply_is_tls(c);
	if (c == '\n') {
		s->mode = SASL_SKIP;
		return SASL_MORE;
	}
	sasl_begin_word(s, SASL_VERBS, SASL_VERB);
	return SASL_MORE;
}

static inline enum sasl_verdict sasl_end_verb(struct dialogue *d)
{
	struct sasl *s = &d->sasl;
	enum sasl_word w = sasl_word(s);

	s->mode = w == SASL_AUTH ? SASL_BEFORE_MECH : SASL_SKIP;
	if (w == SASL_PROXY)
		d->adrift = 1;
	return w == SASL_BDAT ? SASL_LOST : SASL_MORE;
}

/* An AUTH's mechanism starts with `c`: makes a new entry for the AUTH. */
static inline void sasl_begin_mech(struct dialogue *d, __u8 c)
{
	struct attempt *a;

	d->n++;
	a = sasl_attempt(d);
	__builtin_memset(a, 0, sizeof(*a));
	a->reply = d->commands - 1;
	d->sasl.of_auth = 1;
	d->sasl.parts = 0;
	d->sasl.cancels = 0;
	sasl_begin_word(&d->sasl, SASL_MECHS, SASL_MECH);
	sasl_match(&d->sasl, c);
	if (d->adrift) /* it is only counted */
		d->sasl.mode = SASL_SKIP;
}

static inline void sasl_begin_initial(struct dialogue *d,
				      const struct name_key *key, __u32 keep,
				      __u8 c)
{
	struct sasl *s = &d->sasl;

	s->parts = 1;
	if (s->mech == SASL_OTHER || s->mech == SASL_CRAM_MD5 || d->adrift) {
		s->mode = SASL_SKIP; /* CRAM-MD5 has none: RFC 2195, 2 */
	} else if (c == '=') {
		s->mode = SASL_EMPTY;
	} else {
		sasl_begin_name(s, key);
		sasl_decode(d, key, c, keep);
	}
}

/*
 * Reads no more of a line: an AUTH, or a response to its challenge. If it has
 * not come to the message, that is taken to be there.
 */
static inline void sasl_give_up(struct dialogue *d)
{
	struct sasl *s = &d->sasl;

	if (s->mode == SASL_BEFORE_MECH || (s->mode == SASL_VERB && !s->pos))
		sasl_begin_mech(d, 0);
	if (s->mode == SASL_MECH || s->mode == SASL_BEFORE_INITIAL)
		s->parts = 2;
	sasl_no_name(d);
}

/*
 * Is this byte, of a command up to what an AUTH says, a blank? Postfix takes all
 * of isspace() for blanks, also in front of the command. Who does not, refuses
 * no login then.
 */
static inline bool sasl_blank(struct dialogue *d, __u8 c)
{
	struct sasl *s = &d->sasl;

	if (c > '\r' && !s->cr)
		return c == ' ';
	d->adrift |= s->cr;
	s->cr = c == '\r';
	return c == ' ' || c == '\t' || (c >= '\v' && c <= '\r');
}

/* Is a CR here a blank, for servers that go on to LF? */
static inline bool sasl_before_text(const struct sasl *s)
{
	return s->mode >= SASL_VERB && s->mode <= SASL_BEFORE_INITIAL;
}

/* Takes a CR or LF, byte i of the chunk. */
PURE_FUNCTION enum sasl_verdict sasl_end_line(struct dialogue *d,
					      const struct name_key *key,
					      const struct sasl_chunk *chunk,
					      __u32 i, __u8 c)
{
	enum sasl_verdict v = SASL_MORE;
	struct sasl *s;

	if (!d || !key || !chunk)
		return SASL_LOST;
	s = &d->sasl;
	if (s->mode == SASL_VERB)
		v = sasl_end_verb(d);
	if (s->mode == SASL_BEFORE_MECH)
		s->mode = SASL_SKIP;
	if (s->mode != SASL_SKIP && s->mode != SASL_END)
		sasl_end(d, key, chunk->keep);
	else if (s->mode == SASL_END && c == '\r')
		sasl_no_name(d);
	if (c == '\n') {
		s->mode = SASL_START;
		sasl_line_ended(d, chunk->seq + i + 1, chunk->when);
	}
	return v;
}

/* Takes byte i of a chunk. A global function: verified once. */
PURE_FUNCTION enum sasl_verdict sasl_byte(struct dialogue *d,
					  const struct name_key *key,
					  const struct sasl_chunk *chunk,
					  __u32 i)
{
	bool before, space;
	struct sasl *s;
	__u8 c;

	if (!d || !key || !chunk)
		return SASL_LOST;
	s = &d->sasl;
	c = chunk->byte[bound_index(i, SASL_CHUNK)];
	if (s->mode == SASL_START &&
	    sasl_begin(d, key, chunk->challenges, c) == SASL_LOST)
		return SASL_LOST;
	before = sasl_before_text(s);
	if (c == '\n' || (c == '\r' && !before))
		return sasl_end_line(d, key, chunk, i, c);
	if ((s->mode != SASL_CHECK || s->mech == SASL_CRAM_MD5) &&
	    d->read++ >= SASL_READ) {
		sasl_give_up(d);
		return SASL_MORE;
	}
	space = before && sasl_blank(d, c);
	switch (s->mode) {
	case SASL_VERB:
		if (space)
			return s->pos ? sasl_end_verb(d) : SASL_MORE;
		sasl_match(s, c);
		if (!s->alive)
			s->mode = SASL_SKIP;
		break;
	case SASL_BEFORE_MECH:
		if (!space)
			sasl_begin_mech(d, c);
		break;
	case SASL_MECH:
		if (space)
			sasl_end_mech(s);
		else
			sasl_match(s, c);
		break;
	case SASL_BEFORE_INITIAL:
		if (!space)
			sasl_begin_initial(d, key, chunk->keep, c);
		break;
	case SASL_DECODE:
	case SASL_SECRET:
	case SASL_CHECK:
		sasl_decode(d, key, c, chunk->keep);
		break;
	case SASL_EMPTY:
	case SASL_END: /* text behind a CR, or behind "=" */
		sasl_no_name(d);
	}
	return SASL_MORE;
}

/* The index of the first LF in a chunk, or SASL_CHUNK. */
static inline __u32 sasl_line_end(const __u64 *word)
{
	for (__u32 i = 0; i < SASL_CHUNK / 8; i++) {
		__u32 at = reply_lf_at(word[i]);

		if (at < 8)
			return i * 8 + at;
	}
	return SASL_CHUNK;
}

/* 0x80 in the bytes of w, all ASCII, that are `low` to `high`. */
static inline __u64 sasl_within(__u64 w, __u8 low, __u8 high)
{
	const __u64 ones = 0x0101010101010101ULL;

	return (w + ones * (0x80 - low)) & ~(w + ones * (0x7f - high)) &
	       (ones << 7);
}

/* Are all eight bytes characters of base64, and none of them padding? */
static inline bool sasl_is_base64(__u64 w)
{
	const __u64 ones = 0x0101010101010101ULL, tops = ones << 7;

	return !(w & tops) &&
	       (sasl_within(w | ones << 5, 'a', 'z') |
		sasl_within(w, '/', '9') | sasl_within(w, '+', '+')) == tops;
}

/*
 * Checks base64 behind the name, eight bytes at a time; returns the bytes
 * consumed, a multiple of 8, or 0 if the first eight are to be read one by one.
 */
PURE_FUNCTION int sasl_check(const struct sasl *s,
			     const struct sasl_chunk *chunk)
{
	__u32 n = 0;

	if (!s || !chunk || s->pads || s->mech == SASL_CRAM_MD5)
		return 0;
	for (__u32 i = 0; i < SASL_CHUNK / 8; i++) {
		if ((i + 1) * 8 > chunk->len || !sasl_is_base64(chunk->word[i]))
			break;
		n = (i + 1) * 8;
	}
	return n;
}

/* Skips a line that is of no interest; returns the bytes consumed. */
static inline __u32 sasl_skip(struct dialogue *d,
			      const struct sasl_chunk *chunk)
{
	__u32 end = sasl_line_end(chunk->word);

	if (d->sasl.cancels == 1) /* is "*" all of the line? */
		d->sasl.cancels =
			chunk->byte[0] == '\r' || chunk->byte[0] == '\n' ? 2 :
									   0;
	if (end >= chunk->len)
		return chunk->len;
	d->sasl.mode = SASL_START;
	sasl_line_ended(d, chunk->seq + end + 1, chunk->when);
	return end + 1;
}

/*
 * Takes bytes of a chunk, of one line only; returns how many, for the caller to
 * come back with the rest, or -1 (SASL_LOST).
 *
 * It reads chunk->len anew for each byte: so the verifier knows nothing of it
 * and finds the same state in each turn.
 */
PURE_FUNCTION int sasl_feed(struct dialogue *d, const struct name_key *key,
			    const struct sasl_chunk *chunk)
{
	bool checks;
	__u32 i;
	int n;

	if (!d || !key || !chunk)
		return -1;
	if (d->sasl.mode == SASL_SKIP)
		return sasl_skip(d, chunk);
	checks = d->sasl.mode == SASL_CHECK;
	n = checks ? sasl_check(&d->sasl, chunk) : 0;
	if (n > 0 && n <= SASL_CHUNK)
		return n;
	for (i = 0; i < SASL_CHUNK; i++) {
		if (i >= *(volatile const __u32 *)&chunk->len)
			break;
		if (sasl_byte(d, key, chunk, i))
			return -1;
		if (d->sasl.mode == SASL_SKIP ||
		    (d->sasl.mode == SASL_CHECK && !checks))
			return i + 1;
	}
	return i;
}

#endif

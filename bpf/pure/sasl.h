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
 * - an empty command, or a TLS record: some servers do not reply to it.
 * - a message (after 354: the caller's part).
 * Where text that is no line follows, chunks (BDAT), the dialogue is given up
 * (SASL_LOST).
 *
 * No bit of a password is stored. Base64 is decoded character by character:
 * PLAIN (RFC 4616) up to its second NUL, XOAUTH2 up to its first ^A,
 * OAUTHBEARER (RFC 7628) up to its second comma. The rest is only checked to be
 * base64, for a server tries no user if it is not. The second response of LOGIN
 * is skipped.
 */
#ifndef SMTPXDP_SASL_H
#define SMTPXDP_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "bound.h"
#include "dialogue.h"
#include "pure/function.h"
#include "pure/reply.h"
#include "pure/siphash.h"

/* Reply codes that change what the client's next line is. */
#define CODE_CHALLENGE 334
#define CODE_MESSAGE 354
#define CODE_LOGGED_IN 235
#define CODE_READY 220
#define CODE_OK 250

#define SASL_CHUNK 64 /* most bytes that sasl_feed() takes at once */

/* A piece of the client's text. */
struct sasl_chunk {
	union {
		__u8 byte[SASL_CHUNK];
		__u64 word[SASL_CHUNK / 8];
	};
	__u32 len; /* 1..SASL_CHUNK */
	__u32 challenges; /* challenges of the server when this text came */
	__u32 keep; /* 1: keep the name, not only its hash */
	__u32 seq; /* TCP sequence number of the first byte */
	__u32 when; /* tick of the window, for struct attempt */
	__u32 pad;
};

/* How many of `bytes` go into one chunk. */
static inline __u32 sasl_room(__u64 bytes)
{
	return bytes < SASL_CHUNK ? bytes : SASL_CHUNK;
}

enum sasl_mode {
	SASL_START, /* start of a line */
	SASL_VERB,
	SASL_BEFORE_MECH,
	SASL_MECH,
	SASL_BEFORE_INITIAL,
	SASL_EMPTY, /* an empty initial response, "=" */
	SASL_DECODE, /* base64 up to the name's end */
	SASL_CHECK, /* base64 behind the name, only checked */
	SASL_END, /* only the line's end may follow */
	SASL_SKIP, /* the rest of the line is skipped */
};

enum sasl_word {
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_XOAUTH2,
	SASL_OAUTHBEARER,
	SASL_AUTH,
	SASL_BDAT,
	SASL_PROXY,
	SASL_OTHER, /* no word of this list */
	SASL_USER, /* beginnings of fields in decoded messages */
	SASL_AUTHZID,
	SASL_TEXTS
};

/* words that are mechanisms, a bit for each enum sasl_word */
#define SASL_MECHS 0x0f
/* words that are verbs, a bit for each enum sasl_word */
#define SASL_VERBS 0x70
#define SASL_WORD_SIZE 16

static const char sasl_words[SASL_TEXTS][SASL_WORD_SIZE] = {
	[SASL_PLAIN] = "PLAIN",	    [SASL_LOGIN] = "LOGIN",
	[SASL_XOAUTH2] = "XOAUTH2", [SASL_OAUTHBEARER] = "OAUTHBEARER",
	[SASL_AUTH] = "AUTH",	    [SASL_BDAT] = "BDAT",
	[SASL_PROXY] = "PROXY",	    [SASL_USER] = "user=",
	[SASL_AUTHZID] = "a=",
};

enum sasl_verdict {
	SASL_MORE,
	SASL_LOST, /* the dialogue cannot be followed any more */
};

/* The entry of the latest AUTH. */
static inline struct attempt *sasl_attempt(struct dialogue *d)
{
	return &d->attempt[(d->n - 1) & (ATTEMPTS - 1)];
}

static inline __u8 sasl_upper(__u8 c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

/* Takes the next character of a word: drops candidates that do not match. */
PURE_FUNCTION int sasl_match(struct sasl *s, __u8 c)
{
	__u32 pos;

	if (!s)
		return 0;
	pos = s->pos & (SASL_WORD_SIZE - 1);

	c = sasl_upper(c);
	for (int w = 0; w < SASL_OTHER; w++)
		if (!c || sasl_words[w][pos] != c)
			s->alive &= ~(1 << w);
	if (s->pos < SASL_WORD_SIZE - 1)
		s->pos++;
	return 0;
}

/* The candidate that matches the complete word, or SASL_OTHER. */
PURE_FUNCTION enum sasl_word sasl_word(const struct sasl *s)
{
	__u32 pos;

	if (!s)
		return SASL_OTHER;
	pos = s->pos & (SASL_WORD_SIZE - 1);
	for (int w = 0; w < SASL_OTHER; w++)
		if (s->alive >> w & 1 && !sasl_words[w][pos])
			return w;
	return SASL_OTHER;
}

static inline void sasl_begin_word(struct sasl *s, __u8 words, __u8 mode)
{
	s->alive = words;
	s->pos = 0;
	s->mode = mode;
}

/* The rest of this line is base64 with the user's name. */
static inline void sasl_begin_name(struct sasl *s, const struct name_key *key)
{
	s->naming = 1;
	s->mode = SASL_DECODE;
	s->pos = 0;
	s->field = 0;
	s->quad = 0;
	s->pads = 0;
	s->bits = 0;
	s->name_len = 0;
	siphash_begin(&s->hash, key);
}

/*
 * The name is faulty, and the server may understand another one or none: the
 * user is unknown. Skips the rest of the line.
 */
static inline void sasl_spoil(struct dialogue *d)
{
	struct attempt *a = sasl_attempt(d);

	__builtin_memset(&a->tried, 0, sizeof(a->tried));
	__builtin_memset(&d->sasl.hash, 0, sizeof(d->sasl.hash));
	d->sasl.naming = 0;
	d->sasl.bits = 0;
	d->sasl.mode = SASL_SKIP;
}

/* This AUTH names no user any more, in no later response either. */
static inline void sasl_no_name(struct dialogue *d)
{
	d->sasl.want = 0;
	sasl_spoil(d);
}

/* Adds a character to the name; ASCII letters hash as lower case. */
static inline void sasl_name(struct dialogue *d, __u8 c, bool keep)
{
	struct sasl *s = &d->sasl;
	__u32 len = s->name_len;

	if (keep && len < USER_NAME_SIZE) {
		sasl_attempt(d)->tried.name[len] = c;
		s->name_len = len + 1;
	}
	siphash_add(&s->hash, c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* The name has ended: the rest is checked, not decoded. */
static inline void sasl_cut(struct sasl *s)
{
	s->bits = 0;
	s->mode = SASL_CHECK;
}

/* Takes a decoded byte of the SASL message, up to the name's end. */
PURE_FUNCTION int sasl_message(struct dialogue *d, __u8 c, __u32 keep)
{
	bool starts = false, ends = false, fault = false;
	struct sasl *s;

	if (!d)
		return 0;
	s = &d->sasl;
	switch (s->mech) {
	case SASL_PLAIN: /* [authzid] NUL authcid NUL passwd */
		starts = s->field == 0 && !c;
		ends = s->field && !c;
		if (s->field == 0 && c)
			return 0;
		break;
	case SASL_LOGIN:
		s->field = 1;
		fault = !c;
		break;
	case SASL_XOAUTH2: /* user=NAME ^A ... */
		ends = s->field && c == 1;
		if (s->field) {
			fault = !c; /* for servers, all of it ends there */
			break;
		}
		fault = c != sasl_words[SASL_USER][s->pos & 7];
		starts = c == '=';
		s->pos++;
		if (!starts && !fault)
			return 0;
		break;
	default: /* OAUTHBEARER: n,a=NAME,^A ... (RFC 5801, 4) */
		ends = s->field == 2 && c == ',';
		if (s->field == 2) {
			/* an encoded comma or equals sign; the end */
			fault = c == '=' || !c;
			break;
		}
		if (s->field == 0) {
			if (!c)
				sasl_spoil(d);
			s->field = c == ',';
			return 0;
		}
		fault = c != sasl_words[SASL_AUTHZID][s->pos & 7];
		starts = c == '=';
		s->pos++;
		if (!starts && !fault)
			return 0;
	}
	if (fault)
		sasl_spoil(d);
	else if (starts)
		s->field++;
	else if (ends)
		sasl_cut(s);
	else
		sasl_name(d, c, keep);
	return 0;
}

/* The value of a character of base64 (RFC 4648, 4), or -1. */
static inline int sasl_sextet(__u8 c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Takes a base64 character; in SASL_CHECK it is only checked. */
PURE_FUNCTION int sasl_decode(struct dialogue *d, __u8 c, __u32 keep)
{
	struct sasl *s;
	__u8 quad, bits;
	int v = sasl_sextet(c);

	if (!d)
		return 0;
	s = &d->sasl;
	quad = s->quad;
	bits = s->bits;
	if (c == '=' && quad >= 2) {
		s->quad = (quad + 1) & 3;
		s->pads++;
		s->bits = 0;
		return 0;
	}
	if (v < 0 || s->pads) {
		sasl_spoil(d);
		return 0;
	}
	s->quad = (quad + 1) & 3;
	if (s->mode == SASL_CHECK)
		return 0;
	s->bits = quad == 0 ? v : quad == 1 ? v & 15 : quad == 2 ? v & 3 : 0;
	if (quad)
		sasl_message(d,
			     quad == 1 ? bits << 2 | v >> 4 :
			     quad == 2 ? bits << 4 | v >> 2 :
					 bits << 6 | v,
			     keep);
	return 0;
}

/*
 * The line with the name has ended: stores the hash, or spoils the name if it
 * is not whole.
 */
static inline void sasl_end_name(struct dialogue *d)
{
	struct sasl *s = &d->sasl;
	struct attempt *a = sasl_attempt(d);
	bool whole = s->mech == SASL_LOGIN ? s->mode == SASL_DECODE :
					     s->mode == SASL_CHECK;

	if (!whole || s->quad || !s->hash.len) {
		sasl_spoil(d);
		return;
	}
	a->tried.hash = siphash_end(&s->hash);
	a->tried.hash += !a->tried.hash;
	a->tried.len = s->name_len;
	s->naming = 0;
	s->mode = SASL_END;
	__builtin_memset(&s->hash, 0, sizeof(s->hash));
}

/*
 * Ends an AUTH without initial response, or with an empty one. Some servers
 * take LOGIN's empty one for an empty name; the next response would be the
 * password then.
 */
static inline void sasl_no_initial(struct sasl *s)
{
	s->want = s->mech != SASL_OTHER &&
		  (s->mech != SASL_LOGIN || s->mode != SASL_EMPTY);
	s->mode = SASL_END;
}

static inline void sasl_end_mech(struct sasl *s)
{
	s->mech = sasl_word(s);
	if (s->mech > SASL_OAUTHBEARER)
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
static inline void sasl_end(struct dialogue *d)
{
	struct sasl *s = &d->sasl;

	if (s->mode == SASL_MECH)
		sasl_end_mech(s);
	if (s->mode == SASL_BEFORE_INITIAL || s->mode == SASL_EMPTY)
		sasl_no_initial(s);
	else if (s->naming)
		sasl_end_name(d);
	else
		s->mode = SASL_SKIP;
}

/* A line starts: as a response, if a challenge is open, else as a command. */
static inline enum sasl_verdict sasl_begin(struct dialogue *d,
					   const struct name_key *key,
					   __u32 challenges, __u8 c)
{
	struct sasl *s = &d->sasl;

	if ((__s32)(challenges - d->responses) > 0) {
		d->responses++;
		s->of_auth = d->n > 0;
		s->cancels = c == '*';
		s->parts += s->parts < 2;
		s->mode = SASL_SKIP;
		if (s->want)
			sasl_begin_name(s, key);
		s->want = 0;
		return SASL_MORE;
	}
	d->commands++;
	s->want = 0;
	s->of_auth = 0;
	d->adrift |= c == '\n' || c == '\r' || reply_is_tls(c);
	if (c == '\n' || c == '\r') {
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
}

static inline void sasl_begin_initial(struct dialogue *d,
				      const struct name_key *key, bool keep,
				      __u8 c)
{
	struct sasl *s = &d->sasl;

	s->parts = 1;
	if (s->mech == SASL_OTHER) {
		s->mode = SASL_SKIP;
	} else if (c == '=') {
		s->mode = SASL_EMPTY;
	} else {
		sasl_begin_name(s, key);
		sasl_decode(d, c, keep);
	}
}

/* Takes a CR or LF, byte i of the chunk. */
PURE_FUNCTION enum sasl_verdict sasl_end_line(struct dialogue *d,
					      const struct sasl_chunk *chunk,
					      __u32 i, __u8 c)
{
	enum sasl_verdict v = SASL_MORE;
	struct sasl *s;

	if (!d || !chunk)
		return SASL_LOST;
	s = &d->sasl;
	if (s->mode == SASL_VERB)
		v = sasl_end_verb(d);
	if (s->mode == SASL_BEFORE_MECH)
		s->mode = SASL_SKIP;
	if (s->mode != SASL_SKIP && s->mode != SASL_END)
		sasl_end(d);
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
	bool space;
	struct sasl *s;
	__u8 c;

	if (!d || !key || !chunk)
		return SASL_LOST;
	s = &d->sasl;
	c = chunk->byte[bound_index(i, SASL_CHUNK)];
	space = c == ' ' || c == '\t';
	if (s->mode == SASL_START &&
	    sasl_begin(d, key, chunk->challenges, c) == SASL_LOST)
		return SASL_LOST;
	if (c == '\n' || c == '\r')
		return sasl_end_line(d, chunk, i, c);
	switch (s->mode) {
	case SASL_VERB:
		if (space)
			return sasl_end_verb(d);
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
	case SASL_CHECK:
		sasl_decode(d, c, chunk->keep);
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

/* Skips a line that is of no interest; returns the bytes consumed. */
static inline __u32 sasl_skip(struct dialogue *d,
			      const struct sasl_chunk *chunk)
{
	__u32 end = sasl_line_end(chunk->word);

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
	__u32 i;

	if (!d || !key || !chunk)
		return -1;
	if (d->sasl.mode == SASL_SKIP)
		return sasl_skip(d, chunk);
	for (i = 0; i < SASL_CHUNK; i++) {
		if (i >= *(volatile const __u32 *)&chunk->len)
			break;
		if (sasl_byte(d, key, chunk, i))
			return -1;
		if (d->sasl.mode == SASL_SKIP)
			return i + 1;
	}
	return i;
}

/*
 * The server sends a challenge, after so many replies and challenges. Is the
 * client's next line surely the response?
 */
static inline bool dialogue_challenged(const struct dialogue *d, __u32 replies,
				       __u32 challenges)
{
	return d->sasl.mode == SASL_START && d->commands == replies + 1 &&
	       d->responses == challenges;
}

/*
 * Is nothing outstanding but the line under way, or one challenge? A server
 * that answers in turn reads on only then.
 */
static inline bool dialogue_settled(const struct dialogue *d, __u32 replies,
				    __u32 challenges)
{
	if (d->sasl.mode != SASL_START)
		return d->commands == replies + 1 && d->responses == challenges;
	return d->commands == replies + (challenges - d->responses) &&
	       challenges - d->responses <= 1;
}

/*
 * Has the server got all of AUTH i, without a reply to it so far? Not if the
 * server may still ask for more (an unknown mechanism, like SCRAM): no user is
 * tried yet. A line behind an AUTH that is not whole may be its response: a
 * server that has read both (Postfix) sends no challenge before it judges.
 */
static inline bool dialogue_is_open(const struct dialogue *d, __u32 i,
				    __u32 replies, __u32 challenges)
{
	const struct attempt *a = &d->attempt[i & (ATTEMPTS - 1)];

	if (i >= d->n || (__s32)(a->reply - replies) < 0)
		return false;
	if (!a->whole && d->commands <= a->reply + 1)
		return false;
	return d->sasl.mech != SASL_OTHER || challenges == d->responses;
}

/* The AUTH that is answered by reply number `reply`, or NULL. */
static inline const struct attempt *dialogue_attempt(const struct dialogue *d,
						     __u32 reply)
{
	if (d->adrift)
		return NULL;
	for (__u32 i = 0; i < ATTEMPTS; i++)
		if (i < d->n && d->attempt[i].reply == reply)
			return &d->attempt[i];
	return NULL;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Decodes what an AUTH says, base64 character by character: whom it tries, and
 * a hash of that with the password. Pure.
 *
 * The name ends in PLAIN (RFC 4616) at the second NUL, in XOAUTH2 at the first
 * ^A, in OAUTHBEARER (RFC 7628) at the second comma, in CRAM-MD5 (RFC 2195) at
 * the space; LOGIN has a response of its own for it. What follows is the
 * password, or what stands for one; CRAM-MD5's digest is another one each time.
 *
 * No byte of a password waits in memory: each goes into the hash by itself as
 * it comes (siphash_word()), and up to 4 bits wait for the rest of their byte.
 * The hash goes on from the name's, so the same user and password have the same
 * one in PLAIN and LOGIN. 16 bits of it are kept.
 */
#ifndef SMTPXDP_CREDENTIALS_H
#define SMTPXDP_CREDENTIALS_H

#include <stdbool.h>

#include "pure/sasl_words.h"
#include "settings.h"
#include "pure/siphash.h"

#define SECRET_MAX 255 /* bytes; a longer one is not compared */

/* What is wanted of an AUTH: bits of sasl_chunk.keep. */
enum sasl_keep {
	KEEP_NAME = 1, /* the name, not only its hash */
	KEEP_GUESS = 2, /* the hash of user and password */
};

/* What the settings want of an AUTH that is read: enum sasl_keep. */
static inline __u32 sasl_keep(const struct settings *s)
{
	return (s->log_users ? KEEP_NAME : 0) | (s->compare ? KEEP_GUESS : 0);
}

/* What the next response to an AUTH holds. */
enum sasl_want { WANT_NOTHING, WANT_NAME, WANT_SECRET };

enum sasl_mode {
	SASL_START, /* start of a line */
	SASL_VERB,
	SASL_BEFORE_MECH,
	SASL_MECH,
	SASL_BEFORE_INITIAL,
	SASL_EMPTY, /* an empty initial response, "=" */
	SASL_DECODE, /* base64 up to the name's end */
	SASL_SECRET, /* base64 behind the name: the password */
	SASL_CHECK, /* the same, only checked */
	SASL_END, /* only the line's end may follow */
	SASL_SKIP, /* the rest of the line is skipped */
};

/* The entry of the latest AUTH. */
static inline struct attempt *sasl_attempt(struct dialogue *d)
{
	return &d->attempt[(d->n - 1) & (ATTEMPTS - 1)];
}

/* The rest of this line is base64. */
static inline void sasl_begin_base64(struct sasl *s, __u8 mode)
{
	s->naming = 1;
	s->mode = mode;
	s->quad = 0;
	s->pads = 0;
	s->bits = 0;
}

/* The rest of this line is base64 with the user's name. */
static inline void sasl_begin_name(struct sasl *s, const struct name_key *key)
{
	sasl_begin_base64(s, SASL_DECODE);
	s->pos = 0;
	s->field = 0;
	s->name_len = 0;
	siphash_begin(&s->hash, key);
}

/* The hash is not wanted any more. */
static inline void sasl_wipe(struct sasl *s)
{
	__builtin_memset(&s->hash, 0, sizeof(s->hash));
	s->bits = 0;
}

/* The password cannot be compared: it is too long, or no base64. */
static inline void sasl_no_guess(struct sasl *s, __u8 mode)
{
	sasl_wipe(s);
	s->mode = mode;
}

/*
 * The name is faulty, and the server may understand another one or none: the
 * user is unknown. Skips the rest of the line.
 */
static inline void sasl_spoil(struct dialogue *d)
{
	struct attempt *a = sasl_attempt(d);

	__builtin_memset(&a->tried, 0, sizeof(a->tried));
	sasl_no_guess(&d->sasl, SASL_SKIP);
	d->sasl.naming = 0;
}

/* This AUTH names no user any more, in no later response either. */
static inline void sasl_no_name(struct dialogue *d)
{
	d->sasl.want = WANT_NOTHING;
	sasl_spoil(d);
}

/* Adds a character to the name; ASCII letters hash as lower case. */
static inline void sasl_name(struct dialogue *d, __u8 c, __u32 keep)
{
	struct sasl *s = &d->sasl;
	__u32 len = s->name_len;

	if (keep & KEEP_NAME && len < USER_NAME_SIZE) {
		sasl_attempt(d)->tried.name[len] = c;
		s->name_len = len + 1;
	}
	siphash_add(&s->hash, c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/*
 * The name has ended: its hash is done, and goes on with the password, by the
 * key of passwords.
 */
static inline void sasl_end_hash(struct sasl *s, const struct name_key *key)
{
	s->user = siphash_end(&s->hash);
	s->user += !s->user;
	siphash_rekey(&s->hash, key);
}

/* The name has ended within the line: the password follows. */
static inline void sasl_cut(struct dialogue *d, const struct name_key *key,
			    __u32 keep)
{
	struct sasl *s = &d->sasl;

	if (!s->hash.len) {
		sasl_spoil(d);
		return;
	}
	sasl_end_hash(s, key);
	if (s->mech == SASL_CRAM_MD5) {
		/* the bits that wait are the digest's: sasl_behind() reads it */
		__builtin_memset(&s->hash, 0, sizeof(s->hash));
		s->mode = SASL_CHECK;
	} else if (keep & KEEP_GUESS) {
		s->mode = SASL_SECRET;
	} else {
		sasl_no_guess(s, SASL_CHECK);
	}
}

/* Takes a decoded byte of the SASL message, up to the name's end. */
PURE_FUNCTION int sasl_message(struct dialogue *d, const struct name_key *key,
			       __u8 c, __u32 keep)
{
	bool starts = false, ends = false, fault = false;
	struct sasl *s;

	if (!d || !key)
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
	case SASL_CRAM_MD5: /* NAME SP digest; servers differ about more SP */
		s->field = 1;
		ends = c == ' ';
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
		sasl_cut(d, key, keep);
	else
		sasl_name(d, c, keep);
	return 0;
}

/* Takes a decoded byte behind the name. */
static inline void sasl_behind(struct dialogue *d, __u8 c)
{
	struct sasl *s = &d->sasl;

	if (s->mech == SASL_CRAM_MD5) {
		if (c == ' ' || !c)
			sasl_spoil(d);
		return;
	}
	if (s->mode != SASL_SECRET)
		return;
	if (s->hash.len >= SECRET_MAX) {
		sasl_no_guess(s, SASL_CHECK);
		return;
	}
	siphash_word(&s->hash, c | 0x100);
	s->hash.len++;
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

/*
 * The line is not base64. The password of LOGIN comes by itself: the name
 * stands.
 */
static inline void sasl_no_base64(struct dialogue *d)
{
	if (d->sasl.mech == SASL_LOGIN && d->sasl.mode == SASL_SECRET)
		sasl_no_guess(&d->sasl, SASL_SKIP);
	else
		sasl_spoil(d);
}

/* Takes a base64 character. */
PURE_FUNCTION int sasl_decode(struct dialogue *d, const struct name_key *key,
			      __u8 c, __u32 keep)
{
	struct sasl *s;
	__u8 quad, bits;
	int v = sasl_sextet(c);

	if (!d || !key)
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
		sasl_no_base64(d);
		return 0;
	}
	s->quad = (quad + 1) & 3;
	if (s->mode == SASL_CHECK && s->mech != SASL_CRAM_MD5) {
		s->bits = 0;
		return 0;
	}
	s->bits = quad == 0 ? v : quad == 1 ? v & 15 : quad == 2 ? v & 3 : 0;
	if (!quad)
		return 0;
	c = quad == 1 ? bits << 2 | v >> 4 :
	    quad == 2 ? bits << 4 | v >> 2 :
			bits << 6 | v;
	if (s->mode == SASL_DECODE)
		sasl_message(d, key, c, keep);
	else
		sasl_behind(d, c);
	return 0;
}

/* 16 bits of the hash of user and password; never 0. */
static inline __u16 sasl_guess(struct sasl *s)
{
	__u16 guess = siphash_end(&s->hash);

	return guess + !guess;
}

/* The line with the password of LOGIN has ended. */
static inline void sasl_end_secret(struct dialogue *d)
{
	struct sasl *s = &d->sasl;

	if (!s->quad && sasl_attempt(d)->tried.hash)
		sasl_attempt(d)->tried.guess = sasl_guess(s);
	s->naming = 0;
	sasl_no_guess(s, SASL_END);
}

/* The line with LOGIN's name has ended: the next response is the password. */
static inline void sasl_end_login(struct dialogue *d,
				  const struct name_key *key, __u32 keep)
{
	struct sasl *s = &d->sasl;

	if (s->mode != SASL_DECODE || s->quad || !s->hash.len) {
		sasl_spoil(d);
		return;
	}
	sasl_end_hash(s, key);
	s->naming = 0;
	s->mode = SASL_END;
	if (keep & KEEP_GUESS)
		s->want = WANT_SECRET;
	else
		sasl_wipe(s);
	sasl_attempt(d)->tried.hash = s->user;
	sasl_attempt(d)->tried.len = s->name_len;
}

/*
 * A line with base64 has ended: stores the hashes, or spoils the name if it is
 * not whole.
 */
PURE_FUNCTION int sasl_end_base64(struct dialogue *d,
				  const struct name_key *key, __u32 keep)
{
	struct sasl *s;
	struct attempt *a;

	if (!d || !key)
		return 0;
	s = &d->sasl;
	a = sasl_attempt(d);
	if (s->mech == SASL_LOGIN && s->mode == SASL_SECRET) {
		sasl_end_secret(d);
		return 0;
	}
	if (s->mech == SASL_LOGIN) {
		sasl_end_login(d, key, keep);
		return 0;
	}
	if ((s->mode != SASL_CHECK && s->mode != SASL_SECRET) || s->quad) {
		sasl_spoil(d);
		return 0;
	}
	a->tried.hash = s->user;
	a->tried.len = s->name_len;
	if (s->mode == SASL_SECRET)
		a->tried.guess = sasl_guess(s);
	s->naming = 0;
	sasl_no_guess(s, SASL_END);
	return 0;
}

#endif

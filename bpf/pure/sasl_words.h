/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of the client's text that matter, matched byte by byte. Pure. */
#ifndef SMTPXDP_SASL_WORDS_H
#define SMTPXDP_SASL_WORDS_H

#include <stddef.h>

#include "dialogue.h"
#include "pure/function.h"

enum sasl_word {
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_XOAUTH2,
	SASL_OAUTHBEARER,
	SASL_CRAM_MD5,
	SASL_AUTH,
	SASL_BDAT,
	SASL_PROXY,
	SASL_OTHER, /* no word of this list */
	SASL_USER, /* beginnings of fields in decoded messages */
	SASL_AUTHZID,
	SASL_TEXTS
};

/* words that are mechanisms, a bit for each enum sasl_word */
#define SASL_MECHS 0x1f
/* words that are verbs, a bit for each enum sasl_word */
#define SASL_VERBS 0xe0
#define SASL_WORD_SIZE 16

static const char sasl_words[SASL_TEXTS][SASL_WORD_SIZE] = {
	[SASL_PLAIN] = "PLAIN",	      [SASL_LOGIN] = "LOGIN",
	[SASL_XOAUTH2] = "XOAUTH2",   [SASL_OAUTHBEARER] = "OAUTHBEARER",
	[SASL_CRAM_MD5] = "CRAM-MD5", [SASL_AUTH] = "AUTH",
	[SASL_BDAT] = "BDAT",	      [SASL_PROXY] = "PROXY",
	[SASL_USER] = "user=",	      [SASL_AUTHZID] = "a=",
};

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

static inline void sasl_begin_word(struct sasl *s, __u16 words, __u8 mode)
{
	s->alive = words;
	s->pos = 0;
	s->mode = mode;
}

#endif

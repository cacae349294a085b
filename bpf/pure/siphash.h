/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson, Bernstein 2012), byte by byte. Pure. Without the key,
 * nobody can guess a name from its hash or make two names collide.
 */
#ifndef SMTPXDP_SIPHASH_H
#define SMTPXDP_SIPHASH_H

#include "dialogue.h"

static inline __u64 siphash_rotl(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void siphash_round(__u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = siphash_rotl(v[1], 13) ^ v[0];
	v[3] = siphash_rotl(v[3], 16) ^ v[2];
	v[0] = siphash_rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = siphash_rotl(v[1], 17) ^ v[2];
	v[3] = siphash_rotl(v[3], 21) ^ v[0];
	v[2] = siphash_rotl(v[2], 32);
}

static inline void siphash_begin(struct siphash *h, const struct name_key *key)
{
	h->v[0] = key->k[0] ^ 0x736f6d6570736575ULL;
	h->v[1] = key->k[1] ^ 0x646f72616e646f6dULL;
	h->v[2] = key->k[0] ^ 0x6c7967656e657261ULL;
	h->v[3] = key->k[1] ^ 0x7465646279746573ULL;
	h->m = 0;
	h->len = 0;
}

static inline void siphash_word(struct siphash *h, __u64 m)
{
	__u64 v[4] = { h->v[0], h->v[1], h->v[2], h->v[3] ^ m };

	siphash_round(v);
	siphash_round(v);
	h->v[0] = v[0] ^ m;
	h->v[1] = v[1];
	h->v[2] = v[2];
	h->v[3] = v[3];
}

/* A hash has ended: another one goes on from it, by the secret key. */
static inline void siphash_rekey(struct siphash *h, const struct name_key *key)
{
	h->v[0] ^= key->secret[0];
	h->v[1] ^= key->secret[1];
	h->v[2] ^= key->secret[0];
	h->v[3] ^= key->secret[1];
	h->m = 0;
	h->len = 0;
}

static inline void siphash_add(struct siphash *h, __u8 byte)
{
	h->m |= (__u64)byte << 8 * (h->len & 7);
	h->len++;
	if (h->len & 7)
		return;
	siphash_word(h, h->m);
	h->m = 0;
}

static inline __u64 siphash_end(struct siphash *h)
{
	siphash_word(h, h->m | (__u64)h->len << 56);
	h->v[2] ^= 0xff;
	siphash_round(h->v);
	siphash_round(h->v);
	siphash_round(h->v);
	siphash_round(h->v);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

#endif

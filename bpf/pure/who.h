/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is one client? Mostly a prefix of settings.client_len. Two kinds of IPv6
 * networks have rules of their own (settings.who, the longest network first):
 *
 * - of a NAT64 (RFC 6052), each address stands for the IPv4 address inside, and
 *   is counted, banned and dropped as that;
 * - of a provider that gives out more or less than the default, the client's
 *   prefix has another length.
 *
 * A filter, by the address's first 32 bits, tells nearly all others, so that
 * the gate pays a load and a shift for them. Pure.
 */
#ifndef SMTPXDP_WHO_H
#define SMTPXDP_WHO_H

#include <stdbool.h>

#include "pure/function.h"
#include "settings.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WHO_SWAP64(x) __builtin_bswap64(x)
#define WHO_SWAP32(x) __builtin_bswap32(x)
#else
#define WHO_SWAP64(x) (x)
#define WHO_SWAP32(x) (x)
#endif

/* 64:ff9b::/96, the well-known prefix */
#define WHO_WELL_KNOWN 0x0064ff9b00000000ULL

static inline __u32 who_bit(const struct addr *a)
{
	return a->d[0] * 0x9e3779b1U >> 26;
}

/* May a rule match this address? */
static __always_inline bool who_is_special(const struct settings *s,
					   const struct addr *a)
{
	return s->who_filter >> who_bit(a) & 1 && !addr_is_v4(a);
}

/* The index of the first rule that matches, or -1. */
PURE_FUNCTION int who_rule(const struct settings *s, const struct addr *a)
{
	if (!s || !a)
		return -1;
	for (__u32 i = 0; i < WHO_RULES_MAX; i++) {
		const struct who_rule *r = &s->who[i];

		if (i >= s->n_who)
			break;
		if ((a->q[0] & r->mask.q[0]) == r->net.q[0] &&
		    (a->q[1] & r->mask.q[1]) == r->net.q[1])
			return i;
	}
	return -1;
}

/*
 * The IPv4 address inside, by RFC 6052, 2.2: behind the prefix, but for bits 64
 * to 71. In host order.
 */
static inline __u32 who_embedded(const struct addr *a, __u32 len)
{
	__u64 high = WHO_SWAP64(a->q[0]), low = WHO_SWAP64(a->q[1]);

	if (len == 96)
		return low;
	low <<= 8;
	if (len >= 64)
		return low >> 32;
	return (high << (len & 63) | low >> (64 - (len & 63))) >> 32;
}

/*
 * May a NAT64 send for this IPv4 address? Never for what no remote host has; and
 * not by the well-known prefix for private ones (RFC 6052, 3.1). So nobody comes
 * as an address of this host.
 */
static inline bool who_may_be_inside(__u32 v4, bool well_known)
{
	__u32 top = v4 >> 24;

	if (!top || top == 127 || top >= 224)
		return false;
	return !well_known ||
	       !(top == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 ||
		 v4 >> 16 == 0xa9fe || v4 >> 22 == 0x191);
}

/* Puts the IPv4 address inside in place of one of a NAT64's. */
PURE_FUNCTION int who_inside(const struct settings *s, struct addr *a)
{
	const struct who_rule *r;
	bool well_known;
	int i;
	__u32 v4;

	if (!s || !a || !who_is_special(s, a))
		return 0;
	i = who_rule(s, a);
	if (i < 0)
		return 0;
	r = &s->who[bound_index(i, WHO_RULES_MAX)];
	if (r->client_len)
		return 0;
	v4 = who_embedded(a, r->len);
	well_known = WHO_SWAP64(a->q[0]) == WHO_WELL_KNOWN && r->len == 96;
	if (!who_may_be_inside(v4, well_known))
		return 0;
	a->q[0] = 0;
	a->d[2] = ADDR_V4_WORD;
	a->d[3] = WHO_SWAP32(v4);
	return 1;
}

/*
 * Masks an address to the client that it belongs to, by a rule. 0: none says
 * how. `client` may be `a`.
 */
PURE_FUNCTION int who_client(const struct settings *s, const struct addr *a,
			     struct addr *client)
{
	const struct who_rule *r;
	int i;

	if (!s || !a || !client)
		return 0;
	i = who_rule(s, a);
	if (i < 0)
		return 0;
	r = &s->who[bound_index(i, WHO_RULES_MAX)];
	if (!r->client_len)
		return 0;
	client->q[0] = a->q[0] & r->client_mask.q[0];
	client->q[1] = a->q[1] & r->client_mask.q[1];
	return 1;
}

/* The prefix length of an address's client, of 128. */
PURE_FUNCTION int who_client_len(const struct settings *s, const struct addr *a)
{
	__u32 len;
	int i;

	if (!s || !a)
		return 0;
	if (who_is_special(s, a)) {
		i = who_rule(s, a);
		len = i < 0 ? 0 :
			      s->who[bound_index(i, WHO_RULES_MAX)].client_len;
		if (len)
			return len;
	}
	return s->client_len[!addr_is_v4(a)];
}

#endif

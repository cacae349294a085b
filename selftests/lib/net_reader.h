/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads networks as text, digit by digit and without inet_pton(), to compare
 * the real reader with (RFC 4291, 2.2; RFC 4632).
 */
#ifndef SELFTESTS_NET_READER_H
#define SELFTESTS_NET_READER_H

#include <ctype.h>
#include <string.h>

#include "addr.h"

/* A decimal number without leading zeros, up to `max`; -1: it is none. */
static inline int plain_number(const char *s, size_t n, int max)
{
	int v = 0;

	if (!n || n > 3 || (*s == '0' && n > 1))
		return -1;
	for (; n--; s++) {
		if (!isdigit(*s))
			return -1;
		v = v * 10 + *s - '0';
	}
	return v <= max ? v : -1;
}

static inline bool plain_v4(const char *s, size_t n, uint8_t *to)
{
	for (int i = 0; i < 4; i++) {
		const char *dot = memchr(s, '.', n);
		size_t len = i < 3 && dot ? (size_t)(dot - s) : n;
		int v = plain_number(s, len, 255);

		if (v < 0 || (i < 3 && !dot))
			return false;
		to[i] = v;
		s += len + 1;
		n -= i < 3 ? len + 1 : len;
	}
	return true;
}

/* Groups between colons, up to `end`; how many bytes, or -1. */
static inline int plain_groups(const char *s, const char *end, uint8_t *to)
{
	int n = 0;

	while (s < end) {
		const char *colon = memchr(s, ':', end - s);
		size_t len = (colon ? colon : end) - s;
		unsigned int v = 0;

		if (!colon && memchr(s, '.', len))
			return n <= 12 && plain_v4(s, len, to + n) ? n + 4 : -1;
		if (!len || len > 4 || n == 16)
			return -1;
		for (size_t i = 0; i < len; i++) {
			if (!isxdigit(s[i]))
				return -1;
			v = v * 16 + (isdigit(s[i]) ? s[i] - '0' :
						      (s[i] | 32) - 'a' + 10);
		}
		to[n++] = v >> 8;
		to[n++] = v;
		s += len;
		if (colon && ++s == end)
			return -1; /* ends with a colon */
	}
	return n;
}

static inline bool plain_v6(const char *s, size_t n, uint8_t *to)
{
	const char *gap = memmem(s, n, "::", 2);
	uint8_t head[20], tail[20];
	int a, b;

	if (!gap) {
		a = plain_groups(s, s + n, head);
		memcpy(to, head, 16);
		return a == 16;
	}
	/* four bytes as IPv4 stand at the end only */
	if (memchr(s, '.', gap - s))
		return false;
	a = plain_groups(s, gap, head);
	b = plain_groups(gap + 2, s + n, tail);
	if (a < 0 || b < 0 || a + b > 14)
		return false;
	memset(to, 0, 16);
	memcpy(to, head, a);
	memcpy(to + 16 - b, tail, b);
	return true;
}

/*
 * ADDRESS or ADDRESS/LENGTH. False: it is none; it is one with all of IPv4 in
 * it; or it has bits behind its prefix, unless they may be masked.
 */
static inline bool plain_net(const char *s, size_t n, bool masked,
			     struct net *to)
{
	const char *slash = memchr(s, '/', n);
	size_t addr_len = slash ? (size_t)(slash - s) : n;
	bool v6 = memchr(s, ':', addr_len), clean = true, around = true;
	int len = v6 ? 128 : 32;

	memset(to, 0, sizeof(*to));
	if (slash)
		len = plain_number(slash + 1, n - addr_len - 1, len);
	if (len < 0)
		return false;
	if (!v6) {
		to->addr[10] = to->addr[11] = 0xff;
		len += 96;
	}
	if (v6 ? !plain_v6(s, addr_len, to->addr) :
		 !plain_v4(s, addr_len, to->addr + 12))
		return false;
	to->len = len;
	for (int i = len; i < 128; i++) {
		uint8_t bit = 0x80 >> i % 8;

		clean &= !(to->addr[i / 8] & bit);
		to->addr[i / 8] &= ~bit;
	}
	for (int i = 0; i < len; i++)
		around &= (to->addr[i / 8] >> (7 - i % 8) & 1) ==
			  (i >= 80 && i < 96);
	return (clean || masked) && !(len < 96 && around);
}

#endif

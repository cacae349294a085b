// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

int addr_parse(const char *s, struct addr *a)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, s, &v4) == 1) {
		*a = (struct addr){ .d[2] = ADDR_V4_WORD, .d[3] = v4.s_addr };
		return 0;
	}
	return inet_pton(AF_INET6, s, a) == 1 ? 0 : -EINVAL;
}

void addr_mask(struct addr *a, unsigned int len)
{
	for (unsigned int i = 0; i < sizeof(a->b); i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			a->b[i] &= 0xff00 >> bits;
	}
}

struct net net_of(const struct addr *a, unsigned int len)
{
	struct net n = { .len = len };
	struct addr masked = *a;

	addr_mask(&masked, len);
	memcpy(n.addr, &masked, sizeof(n.addr));
	return n;
}

struct addr net_addr(const struct net *n)
{
	struct addr a;

	memcpy(&a, n->addr, sizeof(a));
	return a;
}

bool net_is_v4(const struct net *n)
{
	struct addr a = net_addr(n);

	return n->len >= ADDR_V4_BITS && addr_is_v4(&a);
}

bool net_contains(const struct net *outer, const struct net *inner)
{
	struct addr a = net_addr(inner);
	struct net cut = net_of(&a, outer->len);

	return inner->len >= outer->len &&
	       !memcmp(cut.addr, outer->addr, sizeof(cut.addr));
}

const char *addr_format(const struct addr *a, char buf[static ADDR_TEXT])
{
	return addr_is_v4(a) ? inet_ntop(AF_INET, &a->d[3], buf, ADDR_TEXT) :
			       inet_ntop(AF_INET6, a, buf, ADDR_TEXT);
}

const char *net_format(const struct net *n, char buf[static NET_TEXT])
{
	struct addr a = net_addr(n);
	bool v4 = net_is_v4(n);
	char addr[ADDR_TEXT];

	/* A v6 prefix that is v4-mapped by chance: not in dotted quads. */
	if (v4)
		addr_format(&a, addr);
	else
		inet_ntop(AF_INET6, &a, addr, sizeof(addr));
	snprintf(buf, NET_TEXT, "%s/%u", addr,
		 n->len - (v4 ? ADDR_V4_BITS : 0));
	return buf;
}

/* Decimal digits only, no sign, no leading zero: -1 if it is anything else. */
static int parse_len(const char *s, int max)
{
	int len = 0;

	if (!*s || strlen(s) > 3 || (s[0] == '0' && s[1]))
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		len = 10 * len + (*s - '0');
	}
	return len <= max ? len : -1;
}

int net_parse(const char *s, struct net *n, char *err, size_t size)
{
	char shown[ESCAPED_SIZE(64)], text[ADDR_TEXT + 1], meant[NET_TEXT];
	size_t addr_len = strcspn(s, "/");
	struct addr a;
	int len, max;

	escape(s, strnlen(s, 64), shown, sizeof(shown));
	if (addr_len < sizeof(text))
		snprintf(text, sizeof(text), "%.*s", (int)addr_len, s);
	if (addr_len >= sizeof(text) || addr_parse(text, &a)) {
		snprintf(err, size,
			 "'%s' is not an IPv4 or IPv6 address or network, like "
			 "192.0.2.7 or 2001:db8::/64",
			 shown);
		return -EINVAL;
	}
	max = addr_is_v4(&a) ? 32 : 128;
	len = s[addr_len] ? parse_len(s + addr_len + 1, max) : max;
	if (len < 0) {
		snprintf(err, size,
			 "'%s': the length after / is a number from 0 to %d",
			 shown, max);
		return -EINVAL;
	}
	*n = net_of(&a, max == 32 ? len + ADDR_V4_BITS : len);
	if (memcmp(n->addr, &a, sizeof(a))) {
		snprintf(err, size,
			 "'%s' has bits set behind its length; did you mean "
			 "%s?",
			 shown, net_format(n, meant));
		return -EINVAL;
	}
	return 0;
}

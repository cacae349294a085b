// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static const struct net v4_all = {
	.len = ADDR_V4_BITS,
	.addr = { [10] = 0xff, [11] = 0xff },
};

int addr_parse(const char *s, struct addr *a)
{
	struct addr v4 = { .d[2] = ADDR_V4_WORD }, v6;

	if (inet_pton(AF_INET, s, &v4.b[12]) == 1)
		*a = v4;
	else if (inet_pton(AF_INET6, s, v6.b) == 1)
		*a = v6;
	else
		return -EINVAL;
	return 0;
}

int host_parse(const char *s, struct net *host)
{
	struct addr a;
	int err = addr_parse(s, &a);

	if (!err)
		*host = net_of(&a, ADDR_BITS);
	return err;
}

const char *addr_format(const struct addr *a, char buf[static ADDR_TEXT])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, &a->b[12], buf, ADDR_TEXT);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT);
	return buf;
}

const char *host_format(const struct net *host, char buf[static ADDR_TEXT])
{
	struct addr a = net_addr(host);

	return addr_format(&a, buf);
}

static void mask(__u8 bytes[static 16], unsigned int len)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			bytes[i] &= 0xff00 >> bits;
	}
}

void addr_mask(struct addr *a, unsigned int len)
{
	mask(a->b, len);
}

struct net net_of(const struct addr *a, unsigned int len)
{
	struct net n = { .len = len };

	memcpy(n.addr, a->b, sizeof(n.addr));
	mask(n.addr, len);
	return n;
}

struct net net_around(const struct net *n, unsigned int len)
{
	struct net around = *n;

	around.len = len;
	mask(around.addr, len);
	return around;
}

struct addr net_addr(const struct net *n)
{
	struct addr a;

	memcpy(a.b, n->addr, sizeof(a.b));
	return a;
}

bool net_equal(const struct net *a, const struct net *b)
{
	return a->len == b->len && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

bool net_contains(const struct net *outer, const struct net *inner)
{
	struct net wider = net_around(inner, outer->len);

	return outer->len <= inner->len && net_equal(outer, &wider);
}

bool addr_is_loopback(const struct addr *a)
{
	static const struct addr one = { .b[15] = 1 };

	return addr_is_v4(a) ? a->b[12] == 127 : !memcmp(a, &one, sizeof(one));
}

bool net_is_v4(const struct net *n)
{
	return net_contains(&v4_all, n);
}

struct addr addr_of_family(int family, const void *bytes)
{
	struct addr a = {};

	if (family == AF_INET) {
		a.d[2] = ADDR_V4_WORD;
		memcpy(&a.d[3], bytes, 4);
	} else {
		memcpy(&a, bytes, sizeof(a));
	}
	return a;
}

static bool is_of_one(const struct net *host, const char *const *nets)
{
	struct net net;

	for (; *nets; nets++)
		if (!net_parse(*nets, &net, NULL, 0) &&
		    net_contains(&net, host) &&
		    net_is_v4(&net) == net_is_v4(host))
			return true;
	return false;
}

bool host_is_of_link(const struct net *host)
{
	static const char *const nets[] = { "169.254.0.0/16", "fe80::/10",
					    NULL };

	return is_of_one(host, nets);
}

bool host_is_private(const struct net *host)
{
	static const char *const nets[] = { "10.0.0.0/8",    "127.0.0.0/8",
					    "172.16.0.0/12", "192.168.0.0/16",
					    "100.64.0.0/10", "fc00::/7",
					    "::1/128",	     NULL };

	return host_is_of_link(host) || is_of_one(host, nets);
}

const char *net_format(const struct net *n, char buf[static NET_TEXT])
{
	host_format(n, buf);
	sprintf(buf + strlen(buf), "/%u",
		net_is_v4(n) ? n->len - ADDR_V4_BITS : n->len);
	return buf;
}

/* A prefix length: up to three digits, no leading zero. Or -1. */
static int parse_len(const char *s)
{
	int len = 0;

	if (!*s || strlen(s) > 3 || (*s == '0' && s[1]))
		return -1;
	for (; *s >= '0' && *s <= '9'; s++)
		len = len * 10 + (*s - '0');
	return *s ? -1 : len;
}

/* Says which two networks an address with bits behind its prefix may mean. */
static int refuse_host_bits(const struct addr *a, unsigned int len,
			    const char *shown, char *err, size_t size)
{
	struct net wide = net_of(a, len), narrow = net_of(a, ADDR_BITS);
	char wide_text[NET_TEXT], narrow_text[NET_TEXT];

	snprintf(err, size,
		 "%s has bits set behind its prefix: did you mean %s, or %s?",
		 shown, net_format(&wide, wide_text),
		 net_format(&narrow, narrow_text));
	return -EINVAL;
}

/* Parses an address as it was written, and its length. */
static int parse(const char *s, struct addr *a, unsigned int *bits, char *err,
		 size_t size)
{
	char text[ADDR_TEXT] = "", shown[64];
	const char *slash = strchrnul(s, '/');
	bool v6 = strchr(s, ':');
	int max = v6 ? ADDR_BITS : ADDR_BITS - ADDR_V4_BITS;
	int len = *slash ? parse_len(slash + 1) : max;

	if (slash - s < ADDR_TEXT)
		memcpy(text, s, slash - s);
	if (addr_parse(text, a)) {
		snprintf(err, size, "\"%s\" is not an IP address or network%s",
			 escape(s, strlen(s), shown, sizeof(shown)),
			 strchr(s, '%') ? ": leave away the zone (%...)" :
					  ": write it like 192.0.2.7, "
					  "192.0.2.0/24 or 2001:db8::/32");
		return -EINVAL;
	}
	if (len < 0 || len > max) {
		snprintf(err, size, "%s: the prefix length must be 0 to %d",
			 escape(s, strlen(s), shown, sizeof(shown)), max);
		return -EINVAL;
	}
	*bits = v6 ? len : len + ADDR_V4_BITS;
	return 0;
}

/* Sets *to; refuses ::/0 and the like, whose writers do not think of IPv4. */
static int accept_net(const struct net *net, const char *s, struct net *to,
		      char *err, size_t size)
{
	char shown[64];

	if (net->len < ADDR_V4_BITS && net_contains(net, &v4_all)) {
		snprintf(err, size,
			 "%s would include every IPv4 address: write 2000::/3 "
			 "for all of the public IPv6 Internet",
			 escape(s, strlen(s), shown, sizeof(shown)));
		return -EINVAL;
	}
	*to = *net;
	return 0;
}

int net_parse_masked(const char *s, struct net *n, char *err, size_t size)
{
	unsigned int len;
	struct addr a;
	struct net net;

	if (parse(s, &a, &len, err, size))
		return -EINVAL;
	net = net_of(&a, len);
	return accept_net(&net, s, n, err, size);
}

int net_parse(const char *s, struct net *n, char *err, size_t size)
{
	unsigned int len;
	struct addr a;
	struct net net;
	char shown[64];

	if (parse(s, &a, &len, err, size))
		return -EINVAL;
	net = net_of(&a, len);
	if (memcmp(net.addr, a.b, sizeof(net.addr)))
		return refuse_host_bits(
			&a, net.len, escape(s, strlen(s), shown, sizeof(shown)),
			err, size);
	return accept_net(&net, s, n, err, size);
}

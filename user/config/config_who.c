// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "pure/who.h"

#define ITEM_SIZE 96
/* With a longer network, an address could be two clients' key. */
#define NET_LEN_MAX 64

static struct addr mask_of(unsigned int len)
{
	struct addr mask;

	memset(&mask, 0xff, sizeof(mask));
	addr_mask(&mask, len);
	return mask;
}

static int add_rule(struct settings *s, const struct net *net,
		    unsigned int client_len, const struct why *why)
{
	if (s->n_who == WHO_RULES_MAX)
		return invalid(why,
			       "more than %d networks in nat64-prefixes and "
			       "client-prefixes together",
			       WHO_RULES_MAX);
	s->who[s->n_who++] = (struct who_rule){
		.net = net_addr(net),
		.mask = mask_of(net->len),
		.client_mask = mask_of(client_len),
		.len = net->len,
		.client_len = client_len,
	};
	return 0;
}

static int parse_v6(const char *item, struct net *net, const struct why *why)
{
	char err[CONFIG_ERROR_SIZE], shown[ESCAPED_SIZE(SHOWN)];

	if (net_parse(item, net, err, sizeof(err)))
		return invalid(why, "%s", err);
	if (net_is_v4(net))
		return invalid(why,
			       "'%s' is IPv4: only IPv6 networks can be "
			       "named here",
			       show_value(item, shown));
	return 0;
}

/* RFC 6052, 2.2: where the IPv4 address is depends on the length. */
static int take_nat64(const char *item, struct settings *s,
		      const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	struct net net;

	if (parse_v6(item, &net, why))
		return -EINVAL;
	if (net.len != 96 && (net.len < 32 || net.len > 64 || net.len % 8))
		return invalid(
			why,
			"'%s': the prefix of a NAT64 has 32, 40, 48, 56, "
			"64 or 96 bits",
			show_value(item, shown));
	return add_rule(s, &net, 0, why);
}

static int take_client_prefix(char *item, struct settings *s,
			      const struct why *why)
{
	char *bits = strchr(item, '='), shown[ESCAPED_SIZE(SHOWN)];
	uint32_t len;
	struct net net;

	if (!bits)
		return invalid(why,
			       "'%s': wanted a network and the length of its "
			       "clients' prefixes, like 2001:db8:7::/48=128",
			       show_value(item, shown));
	*bits++ = '\0';
	if (parse_v6(item, &net, why) ||
	    parse_number(bits, 16, ADDR_BITS, &len, why))
		return -EINVAL;
	if (net.len < 16 || net.len > NET_LEN_MAX || net.len > len)
		return invalid(why,
			       "'%s': the network has 16 to %d bits, and its "
			       "clients no fewer",
			       show_value(item, shown), NET_LEN_MAX);
	return add_rule(s, &net, len, why);
}

int parse_nat64(const char *value, struct settings *s, const struct why *why)
{
	char item[ITEM_SIZE];
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (take_nat64(item, s, why))
			return -EINVAL;
	return more;
}

int parse_client_prefixes(const char *value, struct settings *s,
			  const struct why *why)
{
	char item[ITEM_SIZE];
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (take_client_prefix(item, s, why))
			return -EINVAL;
	return more;
}

static int by_length(const void *a, const void *b)
{
	const struct who_rule *x = a, *y = b;

	return (int)y->len - (int)x->len;
}

void who_finish(struct settings *s)
{
	qsort(s->who, s->n_who, sizeof(*s->who), by_length);
	s->who_filter = 0;
	for (__u32 i = 0; i < s->n_who; i++)
		s->who_filter |= s->who[i].len < 32 ?
					 ~0ULL :
					 1ULL << who_bit(&s->who[i].net);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which network counts for an address (user/lists/group_list.c). */
#include "base/address.h"
#include "lib/fixture.h"
#include "lists/group_list.h"

/* "KGN": kind (c, a, f), group (s, l, a; 1 to 9: of a rated AS) and network. */
static void add(struct group_list *l, const char *word)
{
	struct group_net g = {
		.kind = *word == 'f' ? SOURCE_FILE :
			*word == 'a' ? SOURCE_ASN :
				       SOURCE_COUNTRY,
		.group = word[1] == 's' ? GROUP_STRICT :
			 word[1] == 'l' ? GROUP_LENIENT :
			 word[1] == 'a' ? GROUP_ALLOW :
					  GROUP_RATED,
	};
	char err[256];

	if (g.group == GROUP_RATED)
		g.asn = word[1] - '0';
	assert_int_equal(net_parse(word + 2, &g.net, err, sizeof(err)), 0);
	assert_int_equal(group_list_add(l, &g), 0);
}

static void add_all(struct group_list *l, const char *words)
{
	char text[512], *rest = text, *word;

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&rest, " ")))
		if (*word)
			add(l, word);
}

/* What programs do: the longest one that it is in. */
static const struct group_net *longest(const struct group_list *l,
				       const char *addr)
{
	const struct group_net *best = NULL;
	struct net net;
	char err[256];

	assert_int_equal(net_parse(addr, &net, err, sizeof(err)), 0);
	for (size_t i = 0; i < l->n; i++)
		if (net_contains(&l->nets[i].net, &net) &&
		    (!best || l->nets[i].net.len > best->net.len))
			best = &l->nets[i];
	return best;
}

static char lookup(const struct group_list *l, const char *addr)
{
	static const char letters[] = { '-', 's', 'l', 'a' };
	const struct group_net *best = longest(l, addr);

	return letters[best ? best->group : GROUP_NONE];
}

static const struct row {
	const char *name, *nets, *addr;
	char want;
	size_t n; /* that are left */
} rows[] = {
	{ "nobody", "", "192.0.2.1", '-', 0 },
	{ "in it", "fs192.0.2.0/24", "192.0.2.1", 's', 1 },
	{ "beside it", "fs192.0.2.0/24", "192.0.3.1", '-', 1 },
	{ "the longest wins", "fs192.0.2.0/24 fl192.0.2.0/25", "192.0.2.1", 'l',
	  2 },
	{ "whatever it is", "fa192.0.2.0/24 fs192.0.2.0/25", "192.0.2.1", 's',
	  2 },
	{ "the same: lenient", "fs192.0.2.0/24 fl192.0.2.0/24", "192.0.2.1",
	  'l', 1 },
	{ "the same: allow", "fa192.0.2.0/24 fs192.0.2.0/24 fl192.0.2.0/24",
	  "192.0.2.1", 'a', 1 },
	{ "the same twice", "fs192.0.2.0/24 fs192.0.2.0/24", "192.0.2.1", 's',
	  1 },
	{ "a file knows better than a country within it",
	  "fl192.0.0.0/16 cs192.0.2.0/24", "192.0.2.1", 'l', 1 },
	{ "also where another file's is between",
	  "fl192.0.0.0/16 fs192.0.128.0/17 cs192.0.2.0/24", "192.0.2.1", 'l',
	  2 },
	{ "the country is around it", "fl192.0.2.0/24 cs192.0.0.0/16",
	  "192.0.2.1", 'l', 2 },
	{ "and holds beside it", "fl192.0.2.0/24 cs192.0.0.0/16", "192.0.3.1",
	  's', 2 },
	{ "an AS knows better than a country", "al192.0.0.0/16 cs192.0.2.0/24",
	  "192.0.2.1", 'l', 1 },
	{ "a file better than an AS", "fs192.0.0.0/16 al192.0.2.0/24",
	  "192.0.2.1", 's', 1 },
	{ "the same network: a file", "cl192.0.2.0/24 fs192.0.2.0/24",
	  "192.0.2.1", 's', 1 },
	{ "behind the end of the file's", "fl192.0.2.0/24 cs192.0.3.0/24",
	  "192.0.3.1", 's', 2 },
	{ "IPv6", "fs2001:db8::/32 fl2001:db8:7::/48", "2001:db8:7::1", 'l',
	  2 },
	{ "IPv4 is not in IPv6's", "fs2000::/3", "192.0.2.1", '-', 1 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct group_list l = {};
		char got;

		add_all(&l, rows[i].nets);
		group_list_finish(&l);
		got = lookup(&l, rows[i].addr);
		if (got != rows[i].want || l.n != rows[i].n)
			fail_msg("%s: %c, %zu left", rows[i].name, got, l.n);
		free(l.nets);
	}
}

static const struct rated_row {
	const char *nets, *addr;
	char group;
	uint32_t asn;
	uint8_t len; /* of the group's network */
} rated_rows[] = {
	{ "a1192.0.2.0/24", "192.0.2.1", '-', 1, 0 },
	{ "a1192.0.2.0/24", "192.0.3.1", '-', 0, 0 },
	{ "cs192.0.0.0/16 a1192.0.2.0/24", "192.0.2.1", 's', 1, 96 + 16 },
	{ "cs192.0.0.0/16 a1192.0.2.0/24", "192.0.3.1", 's', 0, 96 + 16 },
	{ "fl192.0.2.0/25 a1192.0.2.0/24", "192.0.2.1", 'l', 1, 96 + 25 },
	{ "fl192.0.2.0/25 a1192.0.2.0/24", "192.0.2.129", '-', 1, 0 },
	{ "as192.0.2.0/24 a1192.0.2.0/24", "192.0.2.1", 's', 1, 96 + 24 },
	{ "a1192.0.2.0/24 as192.0.2.0/24 fl192.0.2.0/24", "192.0.2.1", 'l', 1,
	  96 + 24 },
	{ "a1192.0.0.0/16 a2192.0.2.0/24 fs192.0.2.7", "192.0.2.7", 's', 2,
	  128 },
	{ "a1192.0.0.0/16 a2192.0.2.0/24 fs192.0.2.7", "192.0.3.7", '-', 1, 0 },
};

/* A rated AS is beside the groups: it is in each network, and changes none. */
static void test_rated(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rated_rows); i++) {
		const struct rated_row *r = &rated_rows[i];
		const struct group_net *g;
		struct group_list l = {};

		add_all(&l, r->nets);
		group_list_finish(&l);
		g = longest(&l, r->addr);
		if (lookup(&l, r->addr) != r->group ||
		    (g ? g->asn : 0) != r->asn || (g ? g->len : 0) != r->len)
			fail_msg("%s: %c, AS%u", r->nets, lookup(&l, r->addr),
				 g ? g->asn : 0);
		free(l.nets);
	}
}

/* The rule itself, the long way, for networks at random. */
static char judge(const struct group_list *l, const struct net *net)
{
	static const char letters[] = { '-', 's', 'l', 'a' };
	const struct group_net *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct group_net *g = &l->nets[i];
		int diff;

		if (g->group == GROUP_RATED || !net_contains(&g->net, net))
			continue;
		diff = best ? g->kind - best->kind : 1;
		if (!diff)
			diff = (int)g->net.len - (int)best->net.len;
		if (!diff)
			diff = g->group - best->group;
		if (diff > 0)
			best = g;
	}
	return letters[best ? best->group : GROUP_NONE];
}

/* The AS of the longest network of a rated one. */
static uint32_t judge_as(const struct group_list *l, const struct net *net)
{
	const struct group_net *best = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (l->nets[i].group == GROUP_RATED &&
		    net_contains(&l->nets[i].net, net) &&
		    (!best || l->nets[i].net.len > best->net.len))
			best = &l->nets[i];
	return best ? best->asn : 0;
}

static void test_random(void **state)
{
	dice_seed();
	for (int round = 0; round < 2000; round++) {
		struct group_list l = {}, all = {};
		struct addr a = { .b = { [10] = 0xff, [11] = 0xff, 10 } };

		for (int i = dice(12); i >= 0; i--) {
			struct group_net g = { .kind = dice(SOURCES_MAX),
					       .group = 1 + dice(3) };

			a.b[15] = dice(16);
			g.net = net_of(&a, dice_range(123, 128));
			if (!dice(3)) {
				g.group = GROUP_RATED;
				g.kind = SOURCE_ASN;
				/* an AS has a network once, as databases do */
				g.asn = 1 + g.net.addr[15] + g.net.len;
			}
			assert_int_equal(group_list_add(&l, &g), 0);
			assert_int_equal(group_list_add(&all, &g), 0);
		}
		group_list_finish(&l);
		for (int i = 0; i < 32; i++) {
			struct net net;
			char text[ADDR_TEXT];

			a.b[15] = i;
			net = net_of(&a, ADDR_BITS);
			addr_format(&a, text);
			assert_int_equal(lookup(&l, text), judge(&all, &net));
			assert_int_equal(
				longest(&l, text) ? longest(&l, text)->asn : 0,
				judge_as(&all, &net));
		}
		free(l.nets);
		free(all.nets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rated),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("group_list", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files of networks, as lists are published (user/base/net_list.c). */
#include <errno.h>

#include "base/address.h"
#include "lib/fixture.h"
#include "base/net_list.h"

struct got {
	char text[1024];
	int fail_at; /* the nth network is one too many */
};

static int take(const struct net *net, void *ctx)
{
	struct got *g = ctx;
	char text[NET_TEXT];

	if (g->fail_at && !--g->fail_at)
		return -ENOMEM;
	strcat(g->text, net_format(net, text));
	strcat(g->text, " ");
	return 0;
}

static int read_text(const char *text, size_t len, struct got *g, size_t *line,
		     char *err, size_t size)
{
	FILE *in = fmemopen((char *)text, len, "r");
	int ret;

	assert_non_null(in);
	ret = net_list_read(in, take, g, line, err, size);
	fclose(in);
	return ret;
}

static const struct row {
	const char *name, *text, *want;
	const char *reason; /* or it is wrong, */
	size_t line; /* here */
} rows[] = {
	{ "Spamhaus DROP",
	  "; Spamhaus DROP List 2026/01/01\n; Expires: ...\n"
	  "1.10.16.0/20 ; SBL256894\n1.19.0.0/16 ; SBL434604\n",
	  "1.10.16.0/20 1.19.0.0/16 ", NULL, 0 },
	{ "FireHOL netset",
	  "#\n# firehol_level1\n#\n0.0.0.0/8\n1.10.16.0/20\n5.134.128.0/19\n",
	  "0.0.0.0/8 1.10.16.0/20 5.134.128.0/19 ", NULL, 0 },
	{ "DROPv6", "2001:678:738::/48 ; SBL622299\n2a05:8440::/29 ; SBL\n",
	  "2001:678:738::/48 2a05:8440::/29 ", NULL, 0 },
	{ "single addresses", "192.0.2.7\n2001:db8::7\n::ffff:192.0.2.8\n",
	  "192.0.2.7/32 2001:db8::7/128 192.0.2.8/32 ", NULL, 0 },
	{ "CRLF, blanks, no end of line",
	  "\r\n  192.0.2.7\t\r\n \t \r\n192.0.2.8",
	  "192.0.2.7/32 192.0.2.8/32 ", NULL, 0 },
	{ "a comment without space", "192.0.2.7#x\n192.0.2.8;x\n",
	  "192.0.2.7/32 192.0.2.8/32 ", NULL, 0 },
	{ "byte order mark",
	  "\xef\xbb\xbf"
	  "192.0.2.7\n",
	  "192.0.2.7/32 ", NULL, 0 },
	{ "but only at the beginning",
	  "192.0.2.7\n\xef\xbb\xbf"
	  "192.0.2.8\n",
	  .reason = "is not an IP address", .line = 2 },
	{ "bits behind the prefix", "192.0.2.77/24\n2001:db8::1/32\n",
	  "192.0.2.0/24 2001:db8::/32 ", NULL, 0 },
	{ "all of IPv4", "0.0.0.0/0\n", "0.0.0.0/0 ", NULL, 0 },
	{ "all of IPv6", "::/0\n", .reason = "every IPv4 address", .line = 1 },
	{ "two on a line", "192.0.2.7\n192.0.2.8 192.0.2.9\n",
	  .reason = "FIRST - LAST", .line = 2 },
	{ "ranges", "# x\n\n192.0.2.7-192.0.2.9\n192.0.2.0 - 192.0.2.1;x\n",
	  "192.0.2.7/32 192.0.2.8/31 192.0.2.0/31 ", NULL, 0 },
	{ "netmasks", "192.0.2.0 255.255.255.0\n192.0.2.77/255.255.255.192\n",
	  "192.0.2.0/24 192.0.2.64/26 ", NULL, 0 },
	{ "text behind it", "192.0.2.7\n192.0.2.8 spam\n",
	  .reason = "more than a network", .line = 2 },
	{ "a page of the web", "<!DOCTYPE html>\n",
	  .reason = "is not an IP address", .line = 1 },
	{ "a prefix too long", "192.0.2.0/33\n", .reason = "must be 0 to 32",
	  .line = 1 },
	{ "nothing", "# all gone\n", "", NULL, 0 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct got g = {};
		char err[256] = "";
		size_t line;
		int ret = read_text(r->text, strlen(r->text), &g, &line, err,
				    sizeof(err));

		if (r->reason) {
			if (ret != -EINVAL || line != r->line ||
			    !strstr(err, r->reason))
				fail_msg("%s: %d, line %zu: %s", r->name, ret,
					 line, err);
		} else if (ret || strcmp(g.text, r->want)) {
			fail_msg("%s: %d: %s %s", r->name, ret, g.text, err);
		}
	}
}

static void test_zero_byte(void **state)
{
	static const char text[] = "192.0.2.7\n192.0.2.8\0/24\n";
	struct got g = {};
	char err[256];
	size_t line;

	assert_int_equal(read_text(text, sizeof(text) - 1, &g, &line, err,
				   sizeof(err)),
			 -EINVAL);
	assert_int_equal(line, 2);
	assert_non_null(strstr(err, "byte of zero"));
}

/* What the caller cannot take ends it, and is not the file's fault. */
static void test_stops(void **state)
{
	static const char text[] = "192.0.2.7\n192.0.2.8\nwrong\n";
	struct got g = { .fail_at = 2 };
	char err[256] = "";
	size_t line;

	assert_int_equal(read_text(text, strlen(text), &g, &line, err,
				   sizeof(err)),
			 -ENOMEM);
	assert_string_equal(g.text, "192.0.2.7/32 ");
	assert_string_equal(err, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_stops),
	};

	return cmocka_run_group_tests_name("net_list", tests, NULL, NULL);
}

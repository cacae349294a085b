// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who is one client: NAT64 (the examples of RFC 6052, 2.4) and prefix lengths. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "config/config.h"
#include "pure/who.h"

static void compile(struct settings *s, const char *nat64, const char *prefixes)
{
	char err[CONFIG_ERROR_SIZE];
	struct config c;

	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_set(&c, KEY_NAT64_PREFIXES, nat64, ORIGIN_FILE,
				    err, sizeof(err)),
			 0);
	assert_int_equal(config_set(&c, KEY_CLIENT_PREFIXES, prefixes,
				    ORIGIN_FILE, err, sizeof(err)),
			 0);
	config_compile(&c, 250, s);
	config_free(&c);
}

static const char *inside(const struct settings *s, const char *text)
{
	static char buf[ADDR_TEXT];
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	who_inside(s, &a);
	return addr_format(&a, buf);
}

static void test_nat64(void **state)
{
	static const struct {
		const char *prefix, *from, *to;
	} rows[] = {
		{ "2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33" },
		{ "2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33" },
		{ "2001:db8:122::/48",
		  "2001:db8:122:c000:2:2100::", "192.0.2.33" },
		{ "2001:db8:122:300::/56",
		  "2001:db8:122:3c0:0:221::", "192.0.2.33" },
		{ "2001:db8:122:344::/64",
		  "2001:db8:122:344:c0:2:2100::", "192.0.2.33" },
		{ "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33",
		  "192.0.2.33" },
		{ "64:ff9b::/96", "64:ff9b::192.0.2.33", "192.0.2.33" },
		/* a provider's own: private addresses behind it are clients */
		{ "64:ff9b:1:fffe::/96", "64:ff9b:1:fffe::10.0.0.7",
		  "10.0.0.7" },
		/* nobody comes as an address that no remote host has */
		{ "64:ff9b::/96", "64:ff9b::10.0.0.7", "64:ff9b::a00:7" },
		{ "64:ff9b::/96", "64:ff9b::172.31.0.7", "64:ff9b::ac1f:7" },
		{ "64:ff9b::/96", "64:ff9b::100.127.0.7", "64:ff9b::647f:7" },
		{ "64:ff9b::/96", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1" },
		{ "64:ff9b:1:fffe::/96", "64:ff9b:1:fffe::127.0.0.1",
		  "64:ff9b:1:fffe::7f00:1" },
		{ "64:ff9b::/96", "64:ff9b::224.0.0.1", "64:ff9b::e000:1" },
		/* others */
		{ "64:ff9b::/96", "64:ff9b:0:1::192.0.2.33",
		  "64:ff9b:0:1::c000:221" },
		{ "64:ff9b::/96", "2001:db8::7", "2001:db8::7" },
		{ "64:ff9b::/96", "198.51.100.7", "198.51.100.7" },
		{ "off", "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	};
	struct settings s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		compile(&s, rows[i].prefix, "");
		assert_string_equal(inside(&s, rows[i].from), rows[i].to);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *addr;
		int len;
	} rows[] = {
		{ "2001:db8:7:1::5", 128 }, { "2001:db8:8:1::5", 56 },
		{ "2001:db8:7:ff::5", 72 }, { "2001:db8:9:1::5", 64 },
		{ "2001:dba::5", 48 },	    { "64:ff9b::a00:1", 64 },
		{ "198.51.100.7", 128 },
	};
	struct addr a, client;
	struct settings s;

	compile(&s, "64:ff9b::/96",
		"2001:db8:7::/48=128 2001:db8:8::/48=56, "
		"2001:db8:7:ff::/64=72, 2001:dba::/31=48");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(addr_parse(rows[i].addr, &a), 0);
		assert_int_equal(who_client_len(&s, &a), rows[i].len);
		client = a;
		if (!who_client(&s, &client, &client))
			continue;
		addr_mask(&a, rows[i].len);
		assert_memory_equal(&client, &a, sizeof(a));
	}
	assert_false(who_client(&s, &a, &client));
}

static void test_errors(void **state)
{
	static const struct {
		enum config_key key;
		const char *value, *why;
	} rows[] = {
		{ KEY_NAT64_PREFIXES, "64:ff9b::/80", "32, 40, 48" },
		{ KEY_NAT64_PREFIXES, "192.0.2.0/24", "IPv4" },
		{ KEY_NAT64_PREFIXES, "64:ff9b::1/96", "64:ff9b::" },
		{ KEY_CLIENT_PREFIXES, "2001:db8::/48", "=128" },
		{ KEY_CLIENT_PREFIXES, "2001:db8::/48=47", "no fewer" },
		{ KEY_CLIENT_PREFIXES, "2001:db8::/80=128", "16 to 64" },
		{ KEY_CLIENT_PREFIXES, "2001:db8::/48=129", "129" },
		{ KEY_CLIENT_PREFIXES, "192.0.2.0/24=28", "IPv4" },
	};
	char err[CONFIG_ERROR_SIZE];
	struct config c;

	assert_int_equal(config_init(&c), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(config_set(&c, rows[i].key, rows[i].value,
					    ORIGIN_FILE, err, sizeof(err)),
				 -EINVAL);
		assert_non_null(strstr(err, rows[i].why));
	}
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat64),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("who", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists of bans (user/lists/ban_file.c), and sets of networks (user/base/net_set.c). */
#include <errno.h>

#include "base/address.h"
#include "ban.h"
#include "lists/ban_file.h"
#include "lib/fixture.h"
#include "base/net_set.h"

static struct ban_file file;
static char why[256];
static size_t line;

static int parse_bytes(const char *text, size_t len)
{
	FILE *in = fmemopen((void *)text, len, "r");
	int err;

	assert_non_null(in);
	ban_file_free(&file);
	err = ban_file_read(&file, in, &line, why, sizeof(why));
	fclose(in);
	return err;
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

struct row {
	const char *text;
	const char *net;
	bool whole;
	uint64_t seconds;
	const char *reason;
};

static void test_lines(void **state)
{
	static const struct row rows[] = {
		{ "192.0.2.7", "192.0.2.7/32", true, 0, "" },
		{ "192.0.2.7\n", "192.0.2.7/32", true, 0, "" },
		{ "192.0.2.7\r\n", "192.0.2.7/32", true, 0, "" },
		{ "\t 192.0.2.0/24  \n", "192.0.2.0/24", false, 0, "" },
		{ "2001:db8::/32 7d", "2001:db8::/32", false, 604800, "" },
		{ "2001:db8::1 1h30m guessing all day\n", "2001:db8::1/128",
		  true, 5400, "guessing all day" },
		{ "192.0.2.7 guessing  all day \r\n", "192.0.2.7/32", true, 0,
		  "guessing  all day" },
		{ "192.0.2.7 10 failures", "192.0.2.7/32", true, 0,
		  "10 failures" },
		{ "192.0.2.7 5s", "192.0.2.7/32", true, 5, "" },
		{ "192.0.2.7 5sins", "192.0.2.7/32", true, 0, "5sins" },
		{ "192.0.2.7 # 7d, it says", "192.0.2.7/32", true, 0, "" },
		{ "1.10.16.0/20 ; SBL256894", "1.10.16.0/20", false, 0, "" },
		{ "192.0.2.7 7d bug #12", "192.0.2.7/32", true, 604800, "bug" },
		{ "192.0.2.7 7d bug#12;x", "192.0.2.7/32", true, 604800,
		  "bug#12;x" },
		{ "::ffff:192.0.2.7", "192.0.2.7/32", true, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char net[NET_TEXT];

		if (parse(rows[i].text) || file.n != 1)
			fail_msg("%s: %s", rows[i].text, why);
		assert_string_equal(net_format(&file.entries[0].net, net),
				    rows[i].net);
		assert_int_equal(file.entries[0].whole, rows[i].whole);
		assert_int_equal(file.entries[0].seconds, rows[i].seconds);
		assert_string_equal(file.entries[0].reason ?
					    file.text + file.entries[0].reason :
					    "",
				    rows[i].reason);
	}
}

static void test_none(void **state)
{
	static const char *const texts[] = { "\n", "# all of it\n", ";\n;x",
					     "  \t\r\n\n \n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse(texts[i]), 0);
		assert_int_equal(file.n, 0);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text;
		size_t line;
		const char *why;
	} rows[] = {
		{ "192.0.2.300", 1, "192.0.2.300" },
		{ "192.0.2.7\n\n# x\n192.0.2.0/33\n", 4, "33" },
		{ "192.0.2.7/24\n", 1, "192.0.2.0/24" },
		{ "192.0.2.7\nexample.org\n", 2, "example.org" },
		{ "192.0.2.7 0s", 1, "time" },
		{ "192.0.2.7 99999999999d", 1, "time" },
		{ "192.0.2.7 \x1b[31m", 1, "printable" },
		{ "192.0.2.7 x\xc3\xa4", 1, "printable" },
		{ "192.0.2.7 0123456789012345678901234567890123456789"
		  "0123456789012345678901234",
		  1, "63" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(rows[i].text), -EINVAL);
		assert_int_equal(line, rows[i].line);
		if (!strstr(why, rows[i].why))
			fail_msg("%s: %s", rows[i].text, why);
	}
	assert_int_equal(parse_bytes("192.0.2.7\n192.0.2.8\0\n", 21), -EINVAL);
	assert_int_equal(line, 2);
}

static void test_many(void **state)
{
	static char text[200000 * 32];
	size_t len = 0;

	for (unsigned int i = 0; i < 200000; i++)
		len += sprintf(text + len, "10.%u.%u.%u %s\n", i >> 16,
			       i >> 8 & 255, i & 255, i % 3 ? "" : "1h why");
	assert_int_equal(parse_bytes(text, len), 0);
	assert_int_equal(file.n, 200000);
	for (unsigned int i = 0; i < 200000; i++) {
		assert_int_equal(file.entries[i].net.addr[15], i & 255);
		assert_int_equal(!!file.entries[i].reason, i % 3 == 0);
	}
	ban_file_free(&file);
}

/* Against looking at each of them. */
static void test_net_set(void **state)
{
	for (int round = 0; round < 300; round++) {
		size_t n = dice(round % 30 + 1);
		struct net *nets = calloc(n + 1, sizeof(*nets)), all[32];
		struct net_set set;

		for (size_t i = 0; i < n; i++) {
			struct addr a = {
				.b = { [14] = dice(256), [15] = dice(256) }
			};

			nets[i] = all[i] = net_of(&a, dice_range(108, 128));
		}
		net_set_init(&set, nets, n);
		for (int i = 0; i < 300; i++) {
			struct addr a = {
				.b = { [14] = dice(256), [15] = dice(256) }
			};
			struct net net = net_of(&a, dice_range(110, 128));
			bool inside = false, around = false;

			for (size_t k = 0; k < n; k++) {
				inside |= net_contains(&all[k], &net);
				around |= net_contains(&net, &all[k]);
			}
			assert_int_equal(net_set_contains(&set, &net), inside);
			assert_int_equal(net_set_overlaps(&set, &net),
					 inside || around);
		}
		net_set_free(&set);
	}
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_none),
		cmocka_unit_test(test_wrong),	cmocka_unit_test(test_many),
		cmocka_unit_test(test_net_set),
	};

	return cmocka_run_group_tests_name("ban_file", tests, setup, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists of bans (user/lists/ban_file.c), and sets of networks (user/base/net_set.c). */
#include <errno.h>

#include "base/address.h"
#include "base/quoted.h"
#include "ban.h"
#include "lists/ban_file.h"
#include "lib/fixture.h"
#include "base/net_set.h"

static struct ban_file file;
static bool restore; /* how the next one is read */

static int parse_bytes(const char *text, size_t len)
{
	FILE *in = fmemopen((void *)text, len, "r");
	int err;

	assert_non_null(in);
	ban_file_free(&file);
	err = ban_file_read(&file, in, restore);
	fclose(in);
	return err;
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static const char *first_fault(void)
{
	return file.wrong ? file.faults[0].why : "nothing wrong";
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
		{ "192.0.2.7 7d 10 failures", "192.0.2.7/32", true, 604800,
		  "10 failures" },
		{ "192.0.2.7 \"10 failures\"", "192.0.2.7/32", true, 0,
		  "10 failures" },
		{ "192.0.2.7 \"bug #12 \\\"x\\\" \\\\\" # y", "192.0.2.7/32",
		  true, 0, "bug #12 \"x\" \\" },
		{ "192.0.2.7 2m \"\"", "192.0.2.7/32", true, 120, "" },
		{ "192.0.2.7 May be a bot", "192.0.2.7/32", true, 0,
		  "May be a bot" },
		{ "192.0.2.7#x", "192.0.2.7/32", true, 0, "" },
		{ "\xef\xbb\xbf"
		  "192.0.2.7",
		  "192.0.2.7/32", true, 0, "" },
		{ "192.0.2.0 255.255.255.0", "192.0.2.0/24", false, 0, "" },
		{ "192.0.2.0/255.255.255.128\t1h x", "192.0.2.0/25", false,
		  3600, "x" },
		{ "192.0.2.7 255.255.255.255", "192.0.2.7/32", false, 0, "" },
		{ "192.0.2.0 - 192.0.2.255 1h x", "192.0.2.0/24", false, 3600,
		  "x" },
		{ "192.0.2.4-192.0.2.7", "192.0.2.4/30", false, 0, "" },
		{ "2001:db8:: -2001:db8::ffff", "2001:db8::/112", false, 0,
		  "" },
		{ "0.0.0.0 - 255.255.255.255", "0.0.0.0/0", false, 0, "" },
		{ "192.0.2.7 5s", "192.0.2.7/32", true, 5, "" },
		{ "192.0.2.7 # 7d, it says", "192.0.2.7/32", true, 0, "" },
		{ "1.10.16.0/20 ; SBL256894", "1.10.16.0/20", false, 0, "" },
		{ "192.0.2.7 7d bug #12", "192.0.2.7/32", true, 604800, "bug" },
		{ "192.0.2.7 7d bug#12;x", "192.0.2.7/32", true, 604800,
		  "bug#12;x" },
		{ "::ffff:192.0.2.7", "192.0.2.7/32", true, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char net[NET_TEXT];

		if (parse(rows[i].text) || file.n != 1 || file.wrong)
			fail_msg("%s: %s", rows[i].text, first_fault());
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
		size_t n; /* of other lines, that are right */
	} rows[] = {
		{ "192.0.2.300", 1, "192.0.2.300", 0 },
		{ "192.0.2.7\n\n# x\n192.0.2.0/33\n", 4, "33", 1 },
		{ "192.0.2.7/24\n", 1, "192.0.2.0/24", 0 },
		{ "192.0.2.7\nexample.org\n192.0.2.8\n", 2, "example.org", 2 },
		{ "192.0.2.7 3600", 1, "a number or a date", 0 },
		{ "192.0.2.7 10 failures", 1, "a number or a date", 0 },
		{ "192.0.2.7 5sins", 1, "a number or a date", 0 },
		{ "192.0.2.7 2026-11-30 08:00:00", 1, "a number or a date", 0 },
		{ "192.0.2.7 Mon, 30 Nov 2026", 1, "a number or a date", 0 },
		{ "192.0.2.7 nov 30", 1, "a number or a date", 0 },
		{ "192.0.2.7 192.0.2.9", 1, "FIRST - LAST", 0 },
		{ "192.0.2.0 0.0.0.255", 1, "FIRST - LAST", 0 },
		{ "192.0.2.0 0.0.0.0", 1, "FIRST - LAST", 0 },
		{ "192.0.2.0/24 255.255.255.0", 1, "a number or a date", 0 },
		{ "192.0.2.7 255.255.255.0", 1, "192.0.2.0/24", 0 },
		{ "192.0.2.0 /24", 1, "a blank before the /", 0 },
		{ "192.0.2.9 - 192.0.2.7", 1, "the last comes first", 0 },
		{ "192.0.2.9 - 2001:db8::1", 1, "one is IPv4", 0 },
		{ "1:: - ::1:0:0:0", 1, "the last comes first", 0 },
		{ "::1 - 2001:db8::", 1, "every IPv4 address", 0 },
		{ "192.0.2.0/24 - 192.0.3.255", 1, "without /", 0 },
		{ "192.0.2.7-9", 1, "not an IP address", 0 },
		{ "192.0.2.7 - a reason", 1, "not an IP address", 0 },
		{ "192.0.2.7 \"x", 1, "does not end", 0 },
		{ "192.0.2.7 \"x\" y", 1, "behind the quotes", 0 },
		{ "192.0.2.7 \"\\x\"", 1, "backslash", 0 },
		{ "192.0.2.7 0s", 1, "time", 0 },
		{ "192.0.2.7 99999999999d", 1, "time", 0 },
		{ "192.0.2.7 \x1b[31m", 1, "printable", 0 },
		{ "192.0.2.7 x\xc3\xa4", 1, "printable", 0 },
		{ "192.0.2.7 x123456789012345678901234567890123456789"
		  "0123456789012345678901234",
		  1, "63", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(rows[i].text), 0);
		if (file.wrong != 1 || file.n != rows[i].n ||
		    file.faults[0].line != rows[i].line ||
		    !strstr(first_fault(), rows[i].why))
			fail_msg("%s: %zu wrong, %s", rows[i].text, file.wrong,
				 first_fault());
	}
	assert_int_equal(parse_bytes("192.0.2.7\n192.0.2.8\0\n", 21), 0);
	assert_int_equal(file.wrong, 1);
	assert_int_equal(file.faults[0].line, 2);
}

/* Only some faults are kept; all are counted. */
static void test_all_wrong(void **state)
{
	static char text[20 * 2 * BAN_FILE_FAULTS];

	for (int i = 0; i < 2 * BAN_FILE_FAULTS; i++)
		strcat(text, "<html>\n");
	assert_int_equal(parse(text), 0);
	assert_int_equal(file.n, 0);
	assert_int_equal(file.wrong, 2 * BAN_FILE_FAULTS);
	assert_int_equal(file.faults[BAN_FILE_FAULTS - 1].line,
			 BAN_FILE_FAULTS);
}

/* Are these networks, side by side, all from first to last, and the fewest? */
static void check_range(uint32_t first, uint32_t last)
{
	uint32_t next = first;
	char text[64];
	size_t n = 0;

	sprintf(text, "10.0.%u.%u - 10.0.%u.%u", first >> 8, first & 255,
		last >> 8, last & 255);
	assert_int_equal(parse(text), 0);
	for (; n < file.n; n++) {
		const struct net *net = &file.entries[n].net;
		uint32_t size = 1U << (128 - net->len);

		assert_int_equal(net->addr[14] << 8 | net->addr[15], next);
		/* a wider one would begin earlier, or end behind the last */
		assert_true(next % (2 * size) || next + 2 * size - 1 > last);
		next += size;
	}
	assert_int_equal(next, last + 1);
}

static void test_ranges(void **state)
{
	for (int i = 0; i < 5000; i++) {
		uint32_t first = dice(65536);

		check_range(first, dice_range(first, 65535));
	}
	assert_int_equal(parse("2000::1 - 3fff:ffff:ffff:ffff:ffff:ffff:ffff:"
			       "fffe"),
			 0);
	assert_int_equal(file.n, 2 * 124);
}

/* Any reason comes back as it went. */
static void test_quotes(void **state)
{
	char reason[BAN_REASON_SIZE], text[256],
		quoted[QUOTED_SIZE(BAN_REASON_SIZE)];

	for (int i = 0; i < 2000; i++) {
		size_t len = dice_range(1, sizeof(reason) - 1);

		for (size_t k = 0; k < len; k++)
			reason[k] = dice(3) ? (uint32_t) "\\\"# ;"[dice(5)] :
					      dice_range(' ', '~');
		reason[len] = '\0';
		sprintf(text, "192.0.2.7/32 90s %s\n",
			quoted_format(reason, quoted));
		assert_int_equal(parse(text), 0);
		assert_int_equal(file.n, 1);
		assert_string_equal(file.text + file.entries[0].reason, reason);
	}
}

/* What `ban list --plain` writes comes back as it went, and only by restore. */
static void test_fields(void **state)
{
	static const __u8 flags[] = { 0, BAN_FORCED, BAN_SPARES,
				      BAN_FORCED | BAN_SPARES };
	char text[512], fields[BAN_FIELDS_TEXT];
	const struct ban_file_entry *e;

	for (int i = 0; i < 2000; i++) {
		struct ban_fields f = { .flags = flags[dice(4)] };
		int kind = dice(4);

		if (kind == 1)
			f.failures = dice_range(1, 255);
		if (kind == 1)
			f.code = dice(2) ? 0 : dice_range(200, 599);
		if (kind == 1 || kind == 2)
			f.window = dice_range(1, 2000000000);
		f.since = dice(2) ? dice_range(1, 2000000000) : 0;
		if (kind == 3)
			for (int k = dice_range(0, BAN_REASON_SIZE - 2); k >= 0;
			     k--)
				f.owner[k] = dice_range(' ', '~');
		sprintf(text, "192.0.2.7/32 90s \"a # b\"%s # c\n",
			ban_fields_format(&f, fields));
		assert_int_equal(parse(text), 0);
		assert_int_equal(file.n, !*fields);
		assert_int_equal(file.wrong, !!*fields);
		restore = true;
		assert_int_equal(parse(text), 0);
		restore = false;
		assert_int_equal(file.n, 1);
		e = &file.entries[0];
		assert_string_equal(file.text + e->reason, "a # b");
		assert_string_equal(e->owner ? file.text + e->owner : "",
				    f.owner);
		assert_int_equal(e->window,
				 *f.owner ? owner_id(f.owner) : f.window);
		assert_int_equal(e->failures, f.failures);
		assert_int_equal(e->since, f.since);
		assert_int_equal(e->code, f.code);
		assert_int_equal(e->flags, f.flags);
	}
}

static void test_wrong_fields(void **state)
{
	static const char *const rows[] = {
		"owner=",
		"owner=\"\"",
		"owner=list",
		"owner=\"a",
		"owner",
		"owner=\"0123456789012345678901234567890123456789"
		"012345678901234567890123\"",
		"owner-id=0",
		"owner-id=1ffffffff",
		"owner-id=-1",
		"owner-id=\"12\"",
		"owner-id=0x12",
		"force=no",
		"force=\"yes\"",
		"open=26",
		"open=",
		"failures=0 within=1 code=535",
		"failures=1e2",
		"failures=1 code=199",
		"failures=1 code=600",
		"since=0",
		"code=535",
		"failures=1 within=4294967296",
		"within=60",
		"failures=1 within=60 code=535 owner=\"a\"",
		"more",
		"fail=1",
		"=",
		"\"more\"",
		"open=25;more",
	};
	char text[256];

	restore = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sprintf(text, "192.0.2.7 90s \"why\" %s\n", rows[i]);
		assert_int_equal(parse(text), 0);
		if (!file.wrong)
			fail_msg("taken: %s", rows[i]);
	}
	/* fields are nowhere but behind a reason in quotes */
	assert_int_equal(parse("192.0.2.7 90s force=yes"), 0);
	assert_int_equal(file.entries[0].flags, 0);
	restore = false;
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
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_all_wrong),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_wrong_fields),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_net_set),
	};

	return cmocka_run_group_tests_name("ban_file", tests, setup, NULL);
}

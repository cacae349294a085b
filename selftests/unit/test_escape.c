// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a reply may hold, made fit for a terminal (user/base/escape.h). */
#include "ban.h"
#include "base/escape.h"
#include "lib/fixture.h"

static const struct {
	const char *in;
	size_t n;
	const char *out;
} cases[] = {
#define BYTES(s) s, sizeof(s) - 1
	{ BYTES(""), "" },
	{ BYTES("535 5.7.8 Error ~"), "535 5.7.8 Error ~" },
	{ BYTES("a\\b"), "a\\\\b" },
	/* Not to be taken for an escape of ours. */
	{ BYTES("\\x41"), "\\\\x41" },
	{ BYTES("say \"hi\""), "say \"hi\"" },
	{ BYTES("a\0b"), "a\\x00b" },
	{ BYTES("a\tb"), "a\\x09b" },
	/* A terminal's clear screen, by ESC and by the 8-bit CSI. */
	{ BYTES("\033[2J"), "\\x1b[2J" },
	{ BYTES("\2332J"), "\\x9b2J" },
	{ BYTES("\x7f\x80\xff"), "\\x7f\\x80\\xff" },
	{ BYTES("gr\xc3\xbc\xc3\x9f"), "gr\\xc3\\xbc\\xc3\\x9f" },
	/* The line's end, and only that, is left out. */
	{ BYTES("a\r\n"), "a" },
	{ BYTES("a\n"), "a" },
	{ BYTES("a\r"), "a" },
	{ BYTES("\r\n"), "" },
	{ BYTES("a\n\n"), "a\\x0a" },
	{ BYTES("a\r\r\n"), "a\\x0d" },
	{ BYTES("a\n\r"), "a\\x0a" },
	{ BYTES("a\r\nb"), "a\\x0d\\x0ab" },
	/* As in a log that somebody tries to forge. */
	{ BYTES("x\nbanned 192.0.2.1"), "x\\x0abanned 192.0.2.1" },
#undef BYTES
};

static void test_cases(void **state)
{
	char buf[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_ptr_equal(
			escape(cases[i].in, cases[i].n, buf, sizeof(buf)), buf);
		assert_string_equal(buf, cases[i].out);
	}
}

static void test_nothing(void **state)
{
	char buf[4] = "xxx";

	assert_string_equal(escape(NULL, 0, buf, sizeof(buf)), "");
}

/* Each byte, by a reading of escapes that knows nothing of the writing. */
static void test_every_byte(void **state)
{
	char buf[ESCAPED_SIZE(2)];

	for (int b = 0; b < 256; b++) {
		unsigned char in[2] = { b, '.' };
		unsigned int back;

		escape(in, 2, buf, sizeof(buf));
		if (buf[0] != '\\')
			back = (unsigned char)buf[0];
		else if (buf[1] == '\\')
			back = '\\';
		else
			assert_int_equal(sscanf(buf, "\\x%2x", &back), 1);
		assert_int_equal(back, b);
		for (const char *c = buf; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

/* A small buffer: never overrun, always ended, no escape cut in two. */
static void test_small_buffers(void **state)
{
	static const char in[] = "a\\\001b\r\n\377c\\";
	char whole[64], buf[64];

	escape(in, sizeof(in) - 1, whole, sizeof(whole));
	for (size_t size = 1; size <= sizeof(whole); size++) {
		size_t n;

		memset(buf, '#', sizeof(buf));
		escape(in, sizeof(in) - 1, buf, size);
		n = strlen(buf);
		assert_true(n < size);
		assert_memory_equal(buf, whole, n);
		if (n < strlen(whole)) /* the next piece did not fit */
			assert_true(n + 4 >= size);
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
		/* What is there ends where a piece does. */
		for (size_t i = 0; i < n;) {
			i += buf[i] != '\\' ? 1 : buf[i + 1] == 'x' ? 4 : 2;
			assert_true(i <= n);
		}
	}
	memset(buf, '#', sizeof(buf));
	escape(in, sizeof(in) - 1, buf, 0);
	assert_int_equal(buf[0], '#');
}

static void test_room(void **state)
{
	char in[200], buf[ESCAPED_SIZE(sizeof(in))];

	memset(in, '\001', sizeof(in));
	escape(in, sizeof(in), buf, sizeof(buf));
	assert_int_equal(strlen(buf), 4 * sizeof(in));
}

/* As short as struct ban has room for, and printable: from space to tilde. */
static void test_reasons(void **state)
{
	char text[BAN_REASON_SIZE + 1] = "";

	memset(text, '~', BAN_REASON_SIZE - 1);
	assert_null(reason_fault(text));
	text[BAN_REASON_SIZE - 1] = 'x';
	assert_string_equal(reason_fault(text), "longer than 63 bytes");
	assert_null(reason_fault(""));
	for (int c = 1; c < 256; c++) {
		char one[3] = { 'a', c };

		assert_int_equal(!reason_fault(one), c >= ' ' && c <= '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_small_buffers),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}

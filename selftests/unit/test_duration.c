// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Durations and rates (user/base/duration.h). */
#include <errno.h>

#include "base/duration.h"
#include "lib/fixture.h"

#define CENTURY (100 * 365 * 86400ULL)

static const struct {
	const char *text;
	int err;
	uint64_t seconds;
} durations[] = {
	{ "0", 0, 0 },
	{ "90", 0, 90 },
	{ "90s", 0, 90 },
	{ "2m", 0, 120 },
	{ "1h", 0, 3600 },
	{ "7d", 0, 604800 },
	{ "1h30m", 0, 5400 },
	{ "1d2h3m4s", 0, 93784 },
	{ "1d1s", 0, 86401 },
	{ "90m", 0, 5400 },
	/* Decimal, whatever C makes of a leading zero. */
	{ "010s", 0, 10 },
	{ "00000000000000000000000000000007", 0, 7 },
	{ "36500d", 0, CENTURY },
	{ "3153600000", 0, CENTURY },
	{ "3153600001", -ERANGE, 0 },
	{ "36500d1s", -ERANGE, 0 },
	{ "36501d", -ERANGE, 0 },
	/* What wraps around 32 and 64 bits. */
	{ "4294967296", -ERANGE, 0 },
	{ "4294967297s", -ERANGE, 0 },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "18446744073709551617s", -ERANGE, 0 },
	{ "213503982334602d", -ERANGE, 0 },
	{ "999999999999999999999999999999999999d", -ERANGE, 0 },
	{ "36500d999999999999999999999h", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ "h1", -EINVAL, 0 },
	{ "1x", -EINVAL, 0 },
	{ "1w", -EINVAL, 0 },
	{ "1ms", -EINVAL, 0 },
	{ "1H", -EINVAL, 0 },
	{ "1h30", -EINVAL, 0 },
	{ "30m1h", -EINVAL, 0 },
	{ "1h1h", -EINVAL, 0 },
	{ "1hh", -EINVAL, 0 },
	{ "1 h", -EINVAL, 0 },
	{ " 1h", -EINVAL, 0 },
	{ "1h ", -EINVAL, 0 },
	{ "1h\n", -EINVAL, 0 },
	{ "-1s", -EINVAL, 0 },
	{ "+1s", -EINVAL, 0 },
	{ "1.5h", -EINVAL, 0 },
	{ "1,5h", -EINVAL, 0 },
	{ "1e9", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 },
	{ "inf", -EINVAL, 0 },
	{ "forever", -EINVAL, 0 },
	/* FULLWIDTH DIGIT ONE, and a minute's prime. */
	{ "\xef\xbc\x91h", -EINVAL, 0 },
	{ "1\xe2\x80\xb2", -EINVAL, 0 },
};

static void test_durations(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		uint64_t seconds = 4711;
		int err = duration_parse(durations[i].text, &seconds);

		if (err != durations[i].err ||
		    seconds != (err ? 4711 : durations[i].seconds))
			fail_msg("'%s': %d, %llu", durations[i].text, err,
				 (unsigned long long)seconds);
	}
}

static void test_format(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 1, "1s" },
		{ 59, "59s" },
		{ 60, "1m" },
		{ 90, "1m30s" },
		{ 120, "2m" },
		{ 3600, "1h" },
		{ 5400, "1h30m" },
		{ 86399, "23h59m59s" },
		{ 86400, "1d" },
		{ 86401, "1d1s" },
		{ 604800, "7d" },
		{ CENTURY, "36500d" },
		{ UINT64_MAX, "213503982334601d7h15s" },
	};
	char buf[DURATION_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(duration_format(cases[i].seconds, buf),
				    cases[i].text);
}

static void test_round_trip(void **state)
{
	static const uint64_t limits[] = { 100, 10000, 1000000, CENTURY };
	char buf[DURATION_TEXT];

	for (int round = 0; round < 100000; round++) {
		uint64_t want = dice_roll() % (limits[round % 4] + 1), got = 0;

		duration_format(want, buf);
		assert_int_equal(duration_parse(buf, &got), 0);
		assert_int_equal(got, want);
	}
}

static const struct {
	const char *text;
	uint32_t failures, seconds; /* 0: refused, with ... */
	const char *reason;
} rates[] = {
	{ "10/120s", 10, 120, NULL },
	{ "10/120", 10, 120, NULL },
	{ "1/1s", 1, 1, NULL },
	{ "64/7d", 64, 604800, NULL },
	{ "5/10m", 5, 600, NULL },
	{ "3/1h30m", 3, 5400, NULL },
	{ "010/0120s", 10, 120, NULL },
	{ "0/120s", .reason = "1 to 64" },
	{ "65/1s", .reason = "1 to 64" },
	{ "4294967297/1s", .reason = "1 to 64" },
	{ "18446744073709551617/1s", .reason = "1 to 64" },
	{ "10/0s", .reason = "1s to 7d" },
	{ "10/0", .reason = "1s to 7d" },
	{ "10/7d1s", .reason = "1s to 7d" },
	{ "10/604801", .reason = "1s to 7d" },
	{ "10/4294967297s", .reason = "1s to 7d" },
	{ "10/99999999999999999999s", .reason = "1s to 7d" },
	{ "", .reason = "10/120s" },
	{ "/", .reason = "10/120s" },
	{ "10", .reason = "10/120s" },
	{ "10/", .reason = "10/120s" },
	{ "/120s", .reason = "10/120s" },
	{ "-10/120s", .reason = "10/120s" },
	{ "+10/120s", .reason = "10/120s" },
	{ "10/-120s", .reason = "10/120s" },
	{ "10 / 120s", .reason = "10/120s" },
	{ "10/120s ", .reason = "10/120s" },
	{ "10/120s/2", .reason = "10/120s" },
	{ "1e1/120s", .reason = "10/120s" },
	{ "1.5/120s", .reason = "10/120s" },
	{ "0x10/120s", .reason = "10/120s" },
	{ "10\\120s", .reason = "10/120s" },
	{ "ten/120s", .reason = "10/120s" },
};

static void test_rates(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		uint32_t failures = 4711, seconds = 4712;
		char err[256] = "";
		int ret = rate_parse(rates[i].text, &failures, &seconds, err,
				     sizeof(err));

		if (rates[i].reason) {
			if (ret != -EINVAL || failures != 4711 ||
			    seconds != 4712 || !strstr(err, rates[i].reason))
				fail_msg("'%s': %d, '%s'", rates[i].text, ret,
					 err);
		} else if (ret || failures != rates[i].failures ||
			   seconds != rates[i].seconds) {
			fail_msg("'%s': %d, %u/%u, '%s'", rates[i].text, ret,
				 failures, seconds, err);
		}
	}
}

/* What is shown of a wrong rate does no harm, and fits. */
static void test_rate_error(void **state)
{
	uint32_t failures, seconds;
	char text[1000], err[48];

	rate_parse("\033[2J\n", &failures, &seconds, text, sizeof(text));
	assert_non_null(strstr(text, "\\x1b[2J"));
	assert_null(strchr(text, '\033'));
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(rate_parse(text, &failures, &seconds, err,
				    sizeof(err)),
			 -EINVAL);
	assert_true(strlen(err) < sizeof(err));
	assert_int_equal(rate_parse("x", &failures, &seconds, NULL, 0),
			 -EINVAL);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_rate_error),
	};

	return cmocka_run_group_tests_name("duration", tests, setup, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How much of a ban is left after a reboot, whatever the clocks say
 * (user/state/stamp.h).
 */
#include "lib/fixture.h"
#include "state/stamp.h"

#define HOUR 3600LL
#define DAY 86400LL
#define YEAR (365 * DAY)
#define T2026 1795450000LL
#define NONE (100 * YEAR)

static struct stamp at(const char *boot_id, int64_t wall, int64_t boot)
{
	struct stamp m = { .wall = wall, .boot = boot };

	strcpy(m.boot_id, boot_id);
	return m;
}

static int64_t left(struct stamp then, struct stamp now, int64_t since,
		    int64_t until)
{
	return stamp_remaining(&then, &now, since, until, NONE);
}

/* Off for ten minutes of an hour; half an hour was over before that. */
static void test_reboot(void **state)
{
	struct stamp then = at("a", T2026, 5000);
	struct stamp now = at("b", T2026 + 600, 20);

	assert_int_equal(stamp_elapsed(&then, &now), 600);
	assert_int_equal(left(then, now, T2026 - 1800, T2026 + 1800), 1200);
	assert_int_equal(left(then, now, T2026 - 1800, T2026 + 600), 0);
	assert_int_equal(left(then, now, T2026 - 1800, T2026 - 10), 0);
	assert_int_equal(stamp_until(&then, &now, T2026 - 1800), -2400);
	assert_int_equal(stamp_step(&then, &now), 0);
}

/* A container of a host that has been up for long is started again. */
static void test_container(void **state)
{
	struct stamp then = at("a", T2026, 50 * DAY);
	struct stamp now = at("b", T2026 + 61, 50 * DAY + 60);

	assert_int_equal(stamp_elapsed(&then, &now), 60);
	assert_int_equal(left(then, now, T2026 - 60, T2026 + HOUR), HOUR - 60);
	/* The host was booted, and has been up for longer now. */
	now = at("b", T2026 + 60 * DAY, 51 * DAY);
	assert_int_equal(stamp_elapsed(&then, &now), 60 * DAY);
}

/* Within one boot the wall clock may be set to anything. */
static void test_same_boot(void **state)
{
	static const int64_t steps[] = { -T2026, -YEAR, -1,	  0,
					 7,	 YEAR,	80 * YEAR };
	struct stamp then = at("a", T2026, 5000);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct stamp now = at("a", T2026 + 100 + steps[i], 5100);

		assert_int_equal(stamp_elapsed(&then, &now), 100);
		assert_int_equal(left(then, now, T2026, T2026 + HOUR),
				 HOUR - 100);
		/* Rounding is no step. */
		assert_int_equal(stamp_step(&then, &now),
				 steps[i] == -1 ? 0 : steps[i]);
	}
}

/*
 * A machine without a clock that a battery keeps starts in 1970: nobody goes
 * free, and nobody is banned for longer than was left. What this boot has
 * lasted has passed.
 */
static void test_no_rtc(void **state)
{
	struct stamp then = at("a", T2026, 5000), now = at("b", 12, 12);

	assert_int_equal(stamp_elapsed(&then, &now), 12);
	assert_int_equal(left(then, now, T2026 - HOUR, T2026 + HOUR),
			 HOUR - 12);
	/* All that is kept in the file is as the clock has it now. */
	assert_int_equal(stamp_step(&then, &now), 12 - T2026 - 12);
	/* Then comes NTP, in the same boot. */
	then = now;
	now = at("b", T2026 + 1000, 100);
	assert_int_equal(stamp_step(&then, &now), T2026 + 1000 - 100);
	assert_int_equal(left(then, now, 12 - HOUR, 12 + HOUR), HOUR - 88);
}

/* Both boots began in 1970. */
static void test_no_rtc_twice(void **state)
{
	struct stamp then = at("a", 500, 500), now = at("b", 30, 30);

	assert_int_equal(left(then, now, 100, 100 + HOUR), HOUR - 400 - 30);
	now = at("b", 900, 900);
	assert_int_equal(left(then, now, 100, 100 + HOUR), HOUR - 400 - 900);
}

/* The clock was ahead when the file was written, and is right now. */
static void test_was_ahead(void **state)
{
	struct stamp then = at("a", T2026 + 50 * YEAR, 5000);
	struct stamp now = at("b", T2026, 20);
	int64_t since = T2026 + 50 * YEAR - 60;

	assert_int_equal(left(then, now, since, since + HOUR), HOUR - 60 - 20);
}

/* Rows by two clocks, as when a machine dies right after its clock was set. */
static void test_mixed(void **state)
{
	struct stamp then = at("a", 500, 500);
	struct stamp now = at("b", T2026, 20);

	/* Of 2026, while the file says 1970: never more than all of it. */
	then.wall = 500;
	assert_true(left(then, now, T2026, T2026 + HOUR) <= HOUR);
	now = at("a", 600, 600);
	assert_int_equal(left(then, now, T2026, T2026 + HOUR), HOUR - 100);
	/* It ends before it begins. */
	assert_int_equal(left(then, now, 700, 600), 0);
}

/* Whatever a file says, it is a time from now to the whole of it. */
static void test_any(void **state)
{
	static const int64_t times[] = {
		INT64_MIN, INT64_MIN + 1, -T2026,	 -1,	   0, 1,
		T2026,	   T2026 + HOUR,  INT64_MAX - 1, INT64_MAX
	};
	size_t n = ARRAY_SIZE(times);

	dice_seed();
	for (int i = 0; i < 200000; i++) {
		struct stamp then = at("a", times[dice(n)], times[dice(n)]);
		struct stamp now =
			at(dice(2) ? "a" : "b", times[dice(n)], dice(1000000));
		int64_t since = times[dice(n)], until = times[dice(n)];
		int64_t got = left(then, now, since, until);

		assert_true(stamp_elapsed(&then, &now) >= 0);
		stamp_step(&then, &now);
		assert_true(got >= 0 && got <= NONE);
		if (since > INT64_MIN / 8 && until < INT64_MAX / 8 &&
		    since <= until && until - since < NONE)
			assert_true(got <= until - since);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_same_boot),
		cmocka_unit_test(test_no_rtc),
		cmocka_unit_test(test_no_rtc_twice),
		cmocka_unit_test(test_was_ahead),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}

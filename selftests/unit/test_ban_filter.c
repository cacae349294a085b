// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter before the table of bans (include/ban_filter.h): nobody who is banned
 * is let past it, and few others need the table. What others do meanwhile is in
 * test_ban_order.c.
 */
#include "lib/fixture.h"

#include "lib/ban_memory.h"

#define BANS 280000U /* as many as there is room for */
#define ROUNDS 10 /* so often everybody goes, and others come */
#define INNOCENT 500000U

/* Of the innocent, how many of 10,000 are told "perhaps". */
static unsigned int told_perhaps(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < INNOCENT; i++) {
		struct addr a =
			v4(0xc0000000 + i * 7); /* nobody is banned there */

		n += ban_filter_has(head, ban_hash(head, &a));
	}
	return n / (INNOCENT / 10000);
}

static struct addr client(uint32_t n)
{
	return v4(0x0b000000 + n);
}

static void ban(uint32_t n)
{
	struct addr a = client(n);

	assert_int_equal(put(&a, LONG, NOW, BAN_EXTEND), 0);
	assert_true(ban_filter_has(head, ban_hash(head, &a)));
	if (ban_filter_is_full(head)) /* the daemon's sweep */
		ban_filter_build(head);
}

static void test_error(void **state)
{
	unsigned int worst = 0, now;

	table_make(98000, BANS);
	assert_int_equal(told_perhaps(), 0);
	for (uint32_t n = 0; n < BANS; n++)
		ban(n);
	printf("# full: of 10,000 innocent, %u need the table\n",
	       told_perhaps());
	for (uint32_t n = 0; n < ROUNDS * BANS; n++) {
		struct addr a = client(n);

		assert_int_equal(lift(&a, BAN_TICK_MAX), 1);
		ban(n + BANS);
		if (n % (BANS / 7))
			continue;
		now = told_perhaps();
		worst = now > worst ? now : worst;
	}
	printf("# after %u comings and goings: at most %u\n", ROUNDS * BANS,
	       worst);
	assert_in_range(worst, 1, 200);
	assert_int_equal(check_table(), BANS);
}

/* A build whose process was killed leaves its mark, and the next one works. */
static void test_killed(void **state)
{
	table_make(500, 1000);
	for (uint32_t n = 0; n < 900; n++)
		ban(n);
	head->filter_state ^= BAN_FILTER_BUILDING;
	for (uint32_t n = 900; n < 1000; n++)
		ban(n);
	check_table();
	ban_filter_build(head);
	assert_false(head->filter_state & BAN_FILTER_BUILDING);
	check_table();
	assert_int_equal(head->filter_keys, 1000);
}

/* Neither a table nor a map of a version before has filters. */
static void test_none(void **state)
{
	table_make(500, 1000);
	head->filter_lines = 0;
	ban(1);
	assert_int_equal(told_perhaps(), 10000);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_error, setup),
		cmocka_unit_test_setup(test_killed, setup),
		cmocka_unit_test_setup(test_none, setup),
	};

	return cmocka_run_group_tests_name("ban_filter", tests, NULL, NULL);
}

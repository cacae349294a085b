// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Who is a front, and how many bans of it are held back: bpf/pure/front.h. */

#include "lib/fixture.h"
#include "pure/front.h"

#define RATE 10 /* failures that reach the limit */
#define NOON 1000000U

static struct front *fresh(void)
{
	static struct front f;

	memset(&f, 0, sizeof(f));
	f.since = NOON;
	return &f;
}

/* So many accounts, from this one on, log in so often. */
static void log_in(struct front *f, uint32_t first, uint32_t n, int times,
		   uint32_t now)
{
	for (int i = 0; i < times; i++)
		for (uint32_t a = first; a < first + n; a++)
			front_login(f, a, now);
}

/* So many bans are held back, then one is not. */
static void spared(struct front *f, int held, enum front_verdict last,
		   uint32_t now)
{
	for (int i = 0; i < held; i++)
		assert_int_equal(front_judge(f, RATE, now), FRONT_HELD);
	assert_int_equal(front_judge(f, RATE, now), last);
}

static void test_one_account(void **state)
{
	struct front *f = fresh();

	log_in(f, 1, 1, 1000, NOON);
	assert_int_equal(front_accounts(f, NOON), 1);
	spared(f, 0, FRONT_NONE, NOON);
	log_in(f, 1, FRONT_MIN - 1, 1000, NOON);
	spared(f, 0, FRONT_NONE, NOON);
	log_in(f, FRONT_MIN, 1, 1, NOON);
	spared(f, FRONT_MIN / FRONT_PER_BAN, FRONT_OVER, NOON);
}

/* The more accounts, the more; but there is an end. */
static void test_many_accounts(void **state)
{
	struct front *f;

	for (uint32_t n = FRONT_MIN; n <= FRONT_ACCOUNTS; n++) {
		f = fresh();
		log_in(f, 1, n, 100, NOON);
		assert_int_equal(front_accounts(f, NOON), n);
		spared(f, n / FRONT_PER_BAN, FRONT_OVER, NOON);
	}
	f = fresh();
	log_in(f, 1, 10 * FRONT_ACCOUNTS, 10, NOON);
	assert_int_equal(front_accounts(f, NOON), FRONT_ACCOUNTS);
	spared(f, FRONT_ACCOUNTS / FRONT_PER_BAN, FRONT_OVER, NOON);
	spared(f, 0, FRONT_OVER, NOON);
}

/* More logins than failures are wanted. */
static void test_ratio(void **state)
{
	struct front *f = fresh();

	log_in(f, 1, FRONT_MIN, 1, NOON);
	spared(f, 0, FRONT_OVER, NOON); /* 10 of each */
	log_in(f, 1, FRONT_MIN, 1, NOON);
	spared(f, 0, FRONT_OVER, NOON); /* 20 of each */
	log_in(f, 1, FRONT_MIN, 2, NOON);
	spared(f, 1, FRONT_OVER, NOON);
	assert_int_equal(front_held(f, NOON), 1);
}

/* What is a day old counts no more, and the ban that is is not held against. */
static void test_day(void **state)
{
	uint32_t later = NOON + FRONT_DAY, after = later + 1;
	struct front *f = fresh();

	log_in(f, 1, FRONT_MIN, 100, NOON);
	spared(f, 2, FRONT_OVER, NOON);
	assert_int_equal(front_accounts(f, later), FRONT_MIN);
	assert_int_equal(front_held(f, later), 2);
	assert_int_equal(front_accounts(f, after), 0);
	assert_int_equal(front_held(f, after), 0);
	spared(f, 0, FRONT_NONE, after);
	log_in(f, 1, FRONT_MIN, 1, after);
	spared(f, 2, FRONT_OVER, after);
	/* numbers of long ago are none */
	log_in(f, 1, FRONT_MIN, 1, after + 3 * FRONT_DAY);
	spared(f, 0, FRONT_OVER, after + 3 * FRONT_DAY);
}

/* A slot goes to the account that was not seen for the longest time. */
static void test_oldest_goes(void **state)
{
	struct front *f = fresh();

	log_in(f, 1, FRONT_ACCOUNTS, 1, NOON);
	log_in(f, 1, 1, 1, NOON + 1);
	for (uint32_t a = 0; a < FRONT_ACCOUNTS - 1; a++)
		log_in(f, 1000 + a, 1, 1, NOON + 1);
	assert_int_equal(front_accounts(f, NOON + 1 + FRONT_DAY),
			 FRONT_ACCOUNTS);
	assert_int_equal(front_slot(f, 1, NOON), 0);
	assert_int_equal(f->accounts[0] >> 32, 1);
}

/* The clock began at the boot; logins before that have a time, too. */
static void test_time(void **state)
{
	uint32_t before = front_time(-3600 * 1000000000LL);
	struct front *f = fresh();

	f->since = before;
	log_in(f, 1, FRONT_MIN, 5, before);
	assert_int_equal(front_accounts(f, front_time(1000000000)), FRONT_MIN);
	assert_int_equal(front_held(f, 0), 0);
	spared(f, 2, FRONT_OVER, 0);
	assert_true(f->over);
	assert_true(front_fits(NOON + 1, NOON)); /* another CPU's clock */
	assert_int_equal(front_time(86400 * 1000000000LL), FRONT_DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_account),
		cmocka_unit_test(test_many_accounts),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_day),
		cmocka_unit_test(test_oldest_goes),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests_name("front", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How long a ban lasts, by how often it happened before (user/lists/policy.h). */
#include "lib/fixture.h"
#include "lists/policy.h"
#include "maps/history_map.h"

#define HOUR 3600
#define DAY 86400
#define NSEC 1000000000LL

static struct settings settings(uint32_t factor, uint32_t max)
{
	return (struct settings){ .ban_factor = factor,
				  .ban_max_sec = max,
				  .ban_forget_sec = 30 * DAY };
}

static void test_doubles(void **state)
{
	static const uint32_t want[] = { 1,  2,	  4,   8,   16, 32,
					 64, 128, 168, 168, 168 };
	struct settings s = settings(2, 7 * DAY);

	for (uint32_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(policy_ban_time(&s, HOUR, i + 1),
				 want[i] * HOUR);
}

/* Whoever comes back for ever is banned for ban-max, and it takes no time. */
static void test_bounds(void **state)
{
	struct settings s = settings(100, 365 * DAY);

	assert_int_equal(policy_ban_time(&s, 365 * DAY, UINT32_MAX), 365 * DAY);
	assert_int_equal(policy_ban_time(&s, 1, UINT32_MAX), 365 * DAY);
	s = settings(2, UINT32_MAX);
	assert_int_equal(policy_ban_time(&s, 1, UINT32_MAX), UINT32_MAX);
	assert_int_equal(policy_ban_time(&s, UINT32_MAX, 2), UINT32_MAX);
}

static void test_factor_one(void **state)
{
	struct settings s = settings(1, 7 * DAY);

	assert_int_equal(policy_ban_time(&s, HOUR, 1), HOUR);
	assert_int_equal(policy_ban_time(&s, HOUR, UINT32_MAX), HOUR);
}

/* A ban-max below ban-time shortens nothing. */
static void test_max_below_base(void **state)
{
	struct settings s = settings(2, HOUR);

	assert_int_equal(policy_ban_time(&s, DAY, 1), DAY);
	assert_int_equal(policy_ban_time(&s, DAY, 9), DAY);
}

static void test_forgotten(void **state)
{
	struct settings s = settings(2, 7 * DAY);
	struct history h = { .until = -5 * NSEC };

	assert_int_equal(history_forgotten_at(&s, &h), (30 * DAY - 5) * NSEC);
	s.ban_forget_sec = 365 * DAY;
	assert_int_equal(history_forgotten_at(&s, &h), (365 * DAY - 5) * NSEC);
}

static void test_decide(void **state)
{
	struct event e = { .kind = EVENT_CROSSED,
			   .outcome = OUTCOME_BANNED,
			   .ban_sec = HOUR };
	struct settings s = settings(2, 7 * DAY);
	struct history h = {};
	struct decision d = policy_decide(&e, &s, &h);

	assert_true(d.ban);
	assert_int_equal(d.offence, 1);
	assert_int_equal(d.seconds, HOUR);
	h.offences = 2;
	d = policy_decide(&e, &s, &h);
	assert_int_equal(d.offence, 3);
	assert_int_equal(d.seconds, 4 * HOUR);
	e.outcome = OUTCOME_MAP_FULL; /* try again */
	assert_true(policy_decide(&e, &s, &h).ban);
	/* Not banned, but what would be is told. */
	e.outcome = OUTCOME_MONITOR;
	d = policy_decide(&e, &s, &h);
	assert_false(d.ban);
	assert_int_equal(d.seconds, 4 * HOUR);
	e.kind = EVENT_FAILURE;
	assert_false(policy_decide(&e, &s, &h).ban);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_factor_one),
		cmocka_unit_test(test_max_below_base),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_decide),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}

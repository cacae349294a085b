// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What goes with a program that is refused, and who misses it. */
#include "lib/fixture.h"
#include "load/programs.h"

#define ALL                                                                    \
	(PART_BIT(PART_CONTROL) | PARTS_WIRE | PART_BIT(PART_CLOSE) |          \
	 PART_BIT(PART_OVERDUE) | (PARTS_TLS & ~PARTS_HOOK) |                  \
	 PART_BIT(PART_TLS_KPROBE))

static void test_alone(void **state)
{
	static const enum part alone[] = {
		PART_GATE,	  PART_GATE_RAW,     PART_SENSOR,
		PART_SENSOR_RAW,  PART_USERS,	     PART_CLOSE,
		PART_TLS_WRITE,	  PART_TLS_WRITE_EX, PART_TLS_READ,
		PART_TLS_READ_EX, PART_OVERDUE,	     PART_TLS_CLOSE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
		assert_int_equal(programs_without(ALL, alone[i]),
				 ALL & ~PART_BIT(alone[i]));
}

static void test_with_others(void **state)
{
	uint32_t wire = ALL & ~PARTS_TLS, rest;

	assert_int_equal(programs_without(ALL, PART_CONTROL), 0);
	assert_int_equal(programs_without(ALL, PART_TLS), wire);
	/* The last of the hooks, and the last way to write. */
	assert_int_equal(programs_without(ALL, PART_TLS_KPROBE), wire);
	rest = programs_without(ALL, PART_TLS_WRITE);
	assert_int_equal(programs_without(rest, PART_TLS_WRITE_EX), wire);
}

/* Users alone, or TLS alone, are not worth a daemon. */
static void test_no_use(void **state)
{
	uint32_t rest = programs_without(ALL, PART_GATE);

	rest = programs_without(rest, PART_SENSOR);
	assert_true(rest & PART_BIT(PART_GATE_RAW));
	rest = programs_without(rest, PART_GATE_RAW);
	assert_true(rest & PART_BIT(PART_SENSOR_RAW));
	assert_int_equal(programs_without(rest, PART_SENSOR_RAW), 0);
}

static void test_missed(void **state)
{
	struct daemon_info info = { .n_ifaces = 1 };
	const uint32_t both = USERS_WIRE | USERS_TLS;

	info.ifaces[0].ifindex = 1;
	assert_true(program_is_missed(&info, both, "drop_ethernet"));
	assert_false(program_is_missed(&info, both, "drop_raw"));
	assert_true(program_is_missed(&info, both, "listen"));
	assert_false(program_is_missed(&info, 0, "listen"));
	assert_true(program_is_missed(&info, MISSED_UNANSWERED, "listen"));
	assert_true(program_is_missed(&info, MISSED_UNANSWERED, "closed"));
	assert_false(program_is_missed(&info, both, "closed"));
	assert_true(program_is_missed(&info, MISSED_UNANSWERED, "overdue"));
	assert_false(program_is_missed(&info, both, "overdue"));
	assert_false(
		program_is_missed(&info, MISSED_UNANSWERED, "tls_destroyed"));
	assert_true(program_is_missed(&info, both, "tls_sent"));
	assert_false(program_is_missed(&info, both, "tls_read_enter"));
	info.tls_running = 1;
	assert_false(program_is_missed(&info, both, "tls_sent"));
	assert_true(program_is_missed(&info, both, "tls_read_enter"));
	assert_true(program_is_missed(&info, both, "tls_enter"));
	assert_true(
		program_is_missed(&info, MISSED_UNANSWERED, "tls_destroyed"));
	info.ifaces[0].flags = IFACE_RAW;
	assert_false(program_is_missed(&info, both, "drop_ethernet"));
	assert_true(program_is_missed(&info, both, "drop_raw"));
	/* One that has not come yet may be of either kind. */
	info.ifaces[0].ifindex = 0;
	assert_true(program_is_missed(&info, both, "drop_ethernet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_with_others),
		cmocka_unit_test(test_no_use),
		cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}

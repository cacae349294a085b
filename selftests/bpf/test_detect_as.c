// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* as-rate: how many clients of one AS may fail (bpf/as_rate.h). */
#include "account_window.h"
#include "groups.h"
#include "lib/talk.h"
#include "login.h"

#define AS_RATE 4
#define WINDOW 3600
#define RATED(n) (n) /* client n of the AS 64496, in as many /24s and /48s */
#define OTHER(n) (100 + (n)) /* of 64497, rated as well */
#define NONE(n) (200 + (n)) /* of no AS that is rated */

static struct talk talk;
static uint16_t next_port;

static void answer(struct lab *lab, bool v6, uint16_t c, const char *reply)
{
	talk_begin(&talk, lab, v6, c << 8, ++next_port, 1000);
	if (v6) {
		talk.flow.dst.b[4] = c;
		say_hello(&talk, 1000);
	}
	say(&talk, reply);
}

static void fails(struct lab *lab, bool v6, uint16_t c)
{
	answer(lab, v6, c, "535 5.7.8 Error: authentication failed\r\n");
}

static void put_group(struct lab *lab, bool v6, uint16_t c, enum group group,
		      uint32_t asn)
{
	struct group_entry e = { .group = group, .len = 128, .asn = asn };
	struct net key = { .len = v6 ? 64 : 96 + 24 };
	struct addr a = address(v6, 2, c, 0);

	if (v6)
		a.b[4] = c;
	memcpy(key.addr, &a, sizeof(key.addr));
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.groups_a), &key,
				    &e, 0),
		0);
}

static struct lab *begin(void **state)
{
	struct lab *lab = lab_of(state);

	map_clear(lab->skel->maps.groups_a);
	for (int v6 = 0; v6 < 2; v6++)
		for (int n = 0; n < 40; n++) {
			put_group(lab, v6, RATED(n), GROUP_NONE, 64496);
			put_group(lab, v6, OTHER(n), GROUP_NONE, 64497);
		}
	lab->s.groups = 1;
	lab->s.net[1] = (struct limit){};
	lab->s.as = settings_limit(&lab->s, AS_RATE, WINDOW);
	lab_apply(lab);
	return lab;
}

static void check_event(const struct event *e, enum event_kind kind,
			enum event_outcome outcome)
{
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->outcome, outcome);
	assert_memory_equal(&e->client, &talk.flow.dst, sizeof(e->client));
	if (kind == EVENT_AS) {
		assert_int_equal(e->failures, AS_RATE);
		assert_int_equal(e->window_sec, WINDOW);
	} else {
		assert_int_equal(e->cause, CAUSE_AS);
		assert_int_equal(e->failures, 1);
	}
}

/* The AS_RATEth client and each later one is banned at once, and nobody else. */
static void test_exact(void **state)
{
	struct lab *lab = begin(state);

	for (int n = 1; n < AS_RATE; n++) {
		fails(lab, n & 1, RATED(n));
		/* The same again is no other, and elsewhere is not here. */
		fails(lab, n & 1, RATED(n));
		fails(lab, false, NONE(n));
		if (n < AS_RATE - 1)
			fails(lab, false, OTHER(n));
	}
	assert_int_equal(lab_events(lab), 0);
	assert_int_equal(bans_count(lab), 0);
	fails(lab, false, RATED(AS_RATE));
	assert_true(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 2);
	check_event(&lab->event[0], EVENT_AS, OUTCOME_NONE);
	check_event(&lab->event[1], EVENT_CROSSED, OUTCOME_BANNED);
	fails(lab, true, RATED(AS_RATE + 1));
	assert_true(talk_is_banned(&talk));
	/* Told once; the ones of before, too, at their next failure. */
	assert_int_equal(lab_events(lab), 3);
	check_event(&lab->event[2], EVENT_CROSSED, OUTCOME_BANNED);
	fails(lab, true, RATED(1));
	assert_true(talk_is_banned(&talk));
	for (int n = 5; n <= 9; n++) {
		fails(lab, false, NONE(n));
		assert_false(talk_is_banned(&talk));
	}
	fails(lab, false, OTHER(1));
	assert_false(talk_is_banned(&talk));
	assert_int_equal(counted(lab, COUNTER_AS_CROSSED), 1);
	assert_int_equal(counted(lab, COUNTER_AS_FAILURE), 3);
	assert_int_equal(map_count(lab->skel->maps.ban_nets), 0);
}

static void test_off(void **state)
{
	struct lab *lab = begin(state);

	lab->s.as = (struct limit){};
	lab_apply(lab);
	for (int n = 1; n <= 2 * AS_RATE; n++)
		fails(lab, false, RATED(n));
	assert_int_equal(lab_events(lab), 0);
	assert_int_equal(map_count(lab->skel->maps.nets), 0);
}

/* Regulars, the allowlisted and the lenient neither count nor are banned. */
static void test_exempt(void **state)
{
	struct lab *lab = begin(state);

	for (int n = 1; n <= 2 * AS_RATE; n++) {
		answer(lab, false, RATED(n), "235 2.7.0 Ok\r\n");
		talk_make_regular(&talk);
		fails(lab, false, RATED(n));
		put_group(lab, false, RATED(10 + n), GROUP_LENIENT, 64496);
		fails(lab, false, RATED(10 + n));
	}
	assert_int_equal(counted(lab, COUNTER_AS_CROSSED), 0);
	for (int n = 1; n <= AS_RATE; n++)
		fails(lab, false, RATED(20 + n));
	assert_true(talk_is_banned(&talk));
	fails(lab, false, RATED(1));
	assert_false(talk_is_banned(&talk));
	fails(lab, false, RATED(11));
	assert_false(talk_is_banned(&talk));
	put_group(lab, false, RATED(30), GROUP_STRICT, 64496);
	fails(lab, false, RATED(30));
	assert_true(talk_is_banned(&talk));
	allow_put(lab, &talk.flow.dst, 128, ALLOW_COMMAND);
	talk.flow.dst.b[14]++;
	allow_put(lab, &talk.flow.dst, 128, ALLOW_COMMAND);
	fails(lab, false, RATED(31));
	assert_false(talk_is_banned(&talk));
}

/* Those of before the time do not count. */
static void test_window(void **state)
{
	struct lab *lab = begin(state);
	uint64_t then;

	lab->s.as.ticks = 1;
	lab_apply(lab);
	for (int n = 1; n < AS_RATE; n++)
		fails(lab, false, RATED(n));
	then = lab_clock(lab).jiffies;
	while (lab_clock(lab).jiffies < then + (3ULL << lab->s.tick_shift))
		;
	fails(lab, false, RATED(AS_RATE));
	assert_false(talk_is_banned(&talk));
	assert_int_equal(lab_events(lab), 0);
}

/* What holds back any ban holds back these. */
static void test_held_back(void **state)
{
	struct lab *lab = begin(state);

	lab->s.mode = MODE_MONITOR;
	lab_apply(lab);
	for (int n = 1; n <= AS_RATE; n++)
		fails(lab, false, RATED(n));
	assert_int_equal(lab_events(lab), 2);
	check_event(&lab->event[1], EVENT_CROSSED, OUTCOME_MONITOR);
	lab->s.mode = MODE_ENFORCE;
	lab->s.brake.failures = 1;
	lab_apply(lab);
	fails(lab, false, RATED(AS_RATE + 1));
	assert_true(talk_is_banned(&talk));
	fails(lab, false, RATED(AS_RATE + 2));
	assert_false(talk_is_banned(&talk));
	check_event(&lab->event[lab_events(lab) - 1], EVENT_CROSSED,
		    OUTCOME_BRAKE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),	  cmocka_unit_test(test_off),
		cmocka_unit_test(test_exempt),	  cmocka_unit_test(test_window),
		cmocka_unit_test(test_held_back),
	};

	return cmocka_run_group_tests_name("ases", tests, lab_setup,
					   lab_teardown);
}

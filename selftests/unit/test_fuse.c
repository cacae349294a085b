// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The fuse, second by second. */
#include "lib/fixture.h"

#include "lists/fuse.h"

#define CLIENTS 10

struct story {
	struct fuse f;
	struct fuse_totals t;
	struct fuse_figures why; /* of the last turn */
	enum fuse_turn turned;
	unsigned int turned_at, second;
};

/* So many seconds, in each of which so much happens. */
static void live(struct story *s, unsigned int seconds, unsigned int failing,
		 unsigned int successes)
{
	struct fuse_figures why;
	enum fuse_turn turn;

	while (seconds--) {
		s->second++;
		s->t.failing += failing;
		s->t.successes += successes;
		turn = fuse_step(&s->f, &s->t, CLIENTS, &why);
		if (turn == FUSE_STAYS)
			continue;
		s->why = why;
		s->turned = turn;
		s->turned_at = s->second;
	}
}

static void begin(struct story *s)
{
	memset(s, 0, sizeof(*s));
	s->t = (struct fuse_totals){ 12345, 67890 }; /* of earlier daemons */
}

static void test_quiet(void **state)
{
	struct story s;

	begin(&s);
	live(&s, 1000, 0, 0);
	live(&s, 1000, 0, 5);
	live(&s, 1000, 0, 0);
	assert_int_equal(s.turned, FUSE_STAYS);
}

/* The database goes away on a busy server: soon, and for as long as it lasts.
 */
static void test_outage(void **state)
{
	struct story s;
	unsigned int gone;

	begin(&s);
	live(&s, 600, 0, 20);
	gone = s.second;
	live(&s, 30, 15, 0);
	assert_int_equal(s.turned, FUSE_BLOWS);
	assert_in_range(s.turned_at, gone + 1, gone + 10);
	assert_true(s.why.failing >= CLIENTS);
	assert_true(2 * s.why.successes < s.why.failing);
	live(&s, 3600, 1, 0);
	assert_true(s.f.blown);
	live(&s, 5, 0, 20);
	assert_int_equal(s.turned, FUSE_CLOSES);
	assert_false(s.f.blown);
	live(&s, 600, 0, 20);
	assert_false(s.f.blown);
}

/* On a quiet server it takes longer to tell. */
static void test_slow_outage(void **state)
{
	struct story s;

	begin(&s);
	for (int i = 0; i < 20; i++) {
		live(&s, 1, 0, 1);
		live(&s, 29, 0, 0);
	}
	for (int i = 0; i < 12; i++) {
		live(&s, 1, 1, 0);
		live(&s, 24, 0, 0);
	}
	assert_int_equal(s.turned, FUSE_BLOWS);
	assert_int_equal(s.why.seconds, 300);
}

/* One client fewer than it takes, again and again. */
static void test_boundary(void **state)
{
	struct story s;

	begin(&s);
	for (int i = 0; i < 10; i++) {
		live(&s, 1, CLIENTS - 1, 0);
		live(&s, FUSE_SECONDS, 0, 0);
	}
	assert_int_equal(s.turned, FUSE_STAYS);
	live(&s, 1, CLIENTS, 0);
	assert_int_equal(s.turned, FUSE_BLOWS);
}

/* Some regular clients fail, as ever, while most of them log in. */
static void test_many_succeed(void **state)
{
	struct story s;

	begin(&s);
	live(&s, 2000, 2, 1);
	assert_int_equal(s.turned, FUSE_STAYS);
	live(&s, 11, 3, 1);
	assert_int_equal(s.turned, FUSE_BLOWS);
}

/* A success here and there, of another database, closes nothing. */
static void test_stays_blown(void **state)
{
	struct story s;

	begin(&s);
	live(&s, 1, 0, 0);
	live(&s, 1, 50, 0);
	assert_true(s.f.blown);
	live(&s, 1, 0, CLIENTS / 2 - 1);
	live(&s, FUSE_SECONDS, 0, 0);
	assert_true(s.f.blown);
	live(&s, 1, 0, CLIENTS / 2);
	assert_false(s.f.blown);
}

static void test_off(void **state)
{
	struct fuse_totals t = { 0, 0 };
	struct fuse_figures why;
	struct fuse f = {};

	for (int i = 0; i < 1000; i++) {
		t.failing += 100;
		assert_int_equal(fuse_step(&f, &t, 0, &why), FUSE_STAYS);
	}
	t.failing += 100;
	assert_int_equal(fuse_step(&f, &t, CLIENTS, &why), FUSE_BLOWS);
	assert_int_equal(fuse_step(&f, &t, 0, &why), FUSE_CLOSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_slow_outage),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_many_succeed),
		cmocka_unit_test(test_stays_blown),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests_name("fuse", tests, NULL, NULL);
}

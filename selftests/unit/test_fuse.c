// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The fuse, second by second. */
#include "lib/fixture.h"

#include "base/address.h"
#include "lists/fuse.h"

#define CLIENTS 10

struct story {
	struct fuse f;
	uint64_t successes;
	struct fuse_figures why; /* of the last turn */
	enum fuse_turn turned;
	unsigned int turned_at, second;
	uint32_t clients; /* so many have failed, a network and user each */
};

static struct fuse_client client(const char *ip, uint32_t account)
{
	struct fuse_client c = { .account = account };

	assert_int_equal(host_parse(ip, &c.client), 0);
	c.network = net_around(&c.client, net_is_v4(&c.client) ? 120 : 48);
	return c;
}

static void fails(struct story *s, struct fuse_client c)
{
	c.second = s->second + 1;
	fuse_note(&s->f, &c);
}

static void second(struct story *s)
{
	struct fuse_figures why;
	enum fuse_turn turn =
		fuse_step(&s->f, ++s->second, s->successes, CLIENTS, &why);

	if (turn == FUSE_STAYS)
		return;
	s->why = why;
	s->turned = turn;
	s->turned_at = s->second;
}

/* Client n, of a network and a user of its own. */
static struct fuse_client nth(uint32_t n)
{
	char ip[ADDR_TEXT];

	sprintf(ip, "10.%u.%u.7", n >> 8 & 255, n & 255);
	return client(ip, n + 1);
}

/* So many seconds, in each of which so much happens. */
static void live(struct story *s, unsigned int seconds, unsigned int failing,
		 unsigned int successes)
{
	while (seconds--) {
		for (unsigned int i = 0; i < failing; i++)
			fails(s, nth(s->clients++));
		s->successes += successes;
		second(s);
	}
}

static struct story *begin(void)
{
	static struct story s;

	fuse_free(&s.f);
	memset(&s, 0, sizeof(s));
	s.successes = 67890; /* of earlier daemons */
	s.second = 1000000;
	second(&s);
	return &s;
}

static void test_quiet(void **state)
{
	struct story *s = begin();

	live(s, 1000, 0, 0);
	live(s, 1000, 0, 5);
	live(s, 1000, 0, 0);
	assert_int_equal(s->turned, FUSE_STAYS);
}

/* The database goes away on a busy server: soon, and for as long as it lasts.
 */
static void test_outage(void **state)
{
	struct story *s = begin();
	unsigned int gone;

	live(s, 600, 0, 20);
	gone = s->second;
	live(s, 30, 15, 0);
	assert_int_equal(s->turned, FUSE_BLOWS);
	assert_in_range(s->turned_at, gone + 1, gone + 10);
	assert_true(s->why.failing >= CLIENTS);
	assert_true(2 * s->why.successes < s->why.failing);
	live(s, 3600, 1, 0);
	assert_true(s->f.blown);
	live(s, 5, 0, 20);
	assert_int_equal(s->turned, FUSE_CLOSES);
	assert_false(s->f.blown);
	live(s, 600, 0, 20);
	assert_false(s->f.blown);
}

/* On a quiet server it takes longer to tell. */
static void test_slow_outage(void **state)
{
	struct story *s = begin();

	for (int i = 0; i < 20; i++) {
		live(s, 1, 0, 1);
		live(s, 29, 0, 0);
	}
	for (int i = 0; i < 12; i++) {
		live(s, 1, 1, 0);
		live(s, 24, 0, 0);
	}
	assert_int_equal(s->turned, FUSE_BLOWS);
	assert_int_equal(s->why.seconds, 300);
}

/* One client fewer than it takes, again and again. */
static void test_boundary(void **state)
{
	struct story *s = begin();

	for (int i = 0; i < 10; i++) {
		live(s, 1, CLIENTS - 1, 0);
		live(s, FUSE_SECONDS, 0, 0);
	}
	assert_int_equal(s->turned, FUSE_STAYS);
	live(s, 1, CLIENTS, 0);
	assert_int_equal(s->turned, FUSE_BLOWS);
}

/* Some regular clients fail, as ever, while most of them log in. */
static void test_many_succeed(void **state)
{
	struct story *s = begin();

	live(s, 2000, 2, 1);
	assert_int_equal(s->turned, FUSE_STAYS);
	live(s, 11, 3, 1);
	assert_int_equal(s->turned, FUSE_BLOWS);
}

/* A success here and there, of another database, closes nothing. */
static void test_stays_blown(void **state)
{
	struct story *s = begin();

	live(s, 1, 0, 0);
	live(s, 1, 50, 0);
	assert_true(s->f.blown);
	live(s, 1, 0, CLIENTS / 2 - 1);
	live(s, FUSE_SECONDS, 0, 0);
	assert_true(s->f.blown);
	live(s, 1, 0, CLIENTS / 2);
	assert_false(s->f.blown);
}

/* Whoever has a network, or one account, is one client. */
static void test_apart(void **state)
{
	struct story *s = begin();
	char ip[ADDR_TEXT];

	for (int i = 0; i < 50; i++) {
		sprintf(ip, "192.0.2.%d", i);
		fails(s, client(ip, 100 + i));
		sprintf(ip, "2001:db8:bad:%d::7", i);
		fails(s, client(ip, 200 + i));
		sprintf(ip, "198.51.%d.7", i);
		fails(s, client(ip, 7000));
		sprintf(ip, "2001:db8:%d::7", i);
		fails(s, client(ip, 7000));
	}
	second(s);
	assert_int_equal(s->turned, FUSE_STAYS);
	/* they are three; with seven more it is ten */
	live(s, 1, CLIENTS - 4, 0);
	assert_int_equal(s->turned, FUSE_STAYS);
	live(s, 1, 1, 0);
	assert_int_equal(s->turned, FUSE_BLOWS);
	assert_int_equal(s->why.failing, CLIENTS);
}

/* Users who are not known are told apart by their networks alone. */
static void test_unknown_users(void **state)
{
	struct story *s = begin();
	struct fuse_client c;

	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(s->turned, FUSE_STAYS);
		c = nth(i);
		c.account = 0;
		fails(s, c);
		fails(s, c);
		second(s);
	}
	assert_int_equal(s->turned, FUSE_BLOWS);
}

/* With a short rate, the same ones begin again and again. */
static void test_again(void **state)
{
	struct story *s = begin();

	for (int t = 0; t < 2 * FUSE_SECONDS; t++) {
		for (int i = 0; i < CLIENTS - 1; i++)
			fails(s, nth(i));
		second(s);
	}
	assert_int_equal(s->turned, FUSE_STAYS);
}

static void test_names(void **state)
{
	struct story *s = begin();
	char text[256];

	live(s, 1, 2 * FUSE_NAMES, 0);
	assert_int_equal(s->turned, FUSE_BLOWS);
	assert_int_equal(s->why.names, FUSE_NAMES);
	assert_string_equal(fuse_names(s->why.name, s->why.names, 2, text,
				       sizeof(text)),
			    "10.0.0.7/32, 10.0.1.7/32, ...");
	assert_string_equal(fuse_names(s->why.name, 2, 2, text, sizeof(text)),
			    "10.0.0.7/32, 10.0.1.7/32");
	assert_string_equal(fuse_names(s->why.name, 9, 9, text, 9), "10.0.0.7");
}

static void test_off(void **state)
{
	struct fuse_figures why;
	struct fuse f = {};

	fuse_step(&f, 0, 0, 0, &why);
	for (int t = 1; t <= 1000; t++) {
		for (int i = 0; i < 2 * CLIENTS; i++) {
			struct fuse_client c = nth(i);

			c.second = t;
			fuse_note(&f, &c);
		}
		assert_int_equal(fuse_step(&f, t, 0, 0, &why), FUSE_STAYS);
	}
	assert_int_equal(fuse_step(&f, 1001, 0, CLIENTS, &why), FUSE_BLOWS);
	assert_int_equal(fuse_step(&f, 1002, 0, 0, &why), FUSE_CLOSES);
	fuse_free(&f);
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
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_unknown_users),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests_name("fuse", tests, NULL, NULL);
}

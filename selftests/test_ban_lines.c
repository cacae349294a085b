// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of bans (include/ban_ops.h) alone: what it finds and what not,
 * how full it gets, and two or three CPUs at once, in every order of steps.
 */
#include <arpa/inet.h>

#include "fixture.h"

#include "interleave.h"

#define BAN_STEP() interrupt()
#include "ban_ops.h"

#define LINES_MAX 100000
#define NOW 1000
#define LONG 5000

static struct ban_line lines[LINES_MAX + 1];
static struct ban_infos infos[LINES_MAX + 1];
static struct ban_head *const head = (struct ban_head *)lines;

static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i)
{
	assert_in_range(i, 1, h->lines);
	return &lines[i];
}

static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i)
{
	assert_in_range(i, 1, h->lines);
	return &infos[i];
}

static void table_make(uint32_t n_lines, uint32_t max)
{
	memset(lines, 0, (n_lines + 1) * sizeof(*lines));
	memset(infos, 0, (n_lines + 1) * sizeof(*infos));
	head->lines = n_lines;
	head->max = max;
	for (int i = 0; i < 4; i++)
		head->seed[i] = dice_roll() | 1;
}

static struct addr v4(uint32_t n)
{
	struct addr a = { .d[2] = ADDR_V4_WORD };

	a.d[3] = n;
	return a;
}

static int put(const struct addr *a, uint32_t expires, uint32_t now,
	       enum ban_put_mode mode)
{
	struct ban_client c = { .addr = *a };
	struct ban_entry e = { .expires = expires, .now = now, .mode = mode };

	ban_client(head, &c);
	return ban_put(head, &c, &e);
}

static bool holds(const struct addr *a, uint32_t now)
{
	struct ban_client c = { .addr = *a };

	ban_client(head, &c);
	return ban_search(head, &c, 0, now) >= 0;
}

static int lift(const struct addr *a, uint32_t until)
{
	struct ban_client c = { .addr = *a };

	ban_client(head, &c);
	return ban_remove(head, &c, until);
}

static uint32_t passes(uint32_t line)
{
	return (lines[line].count[0] & BAN_PASS_MASK) / BAN_PASS;
}

/*
 * With nobody at work: each slot is free or published, each entry is where its
 * search goes, each line knows exactly how many went past it.
 */
static unsigned int check_table(void)
{
	static uint32_t want[LINES_MAX + 1];
	unsigned int n = 0;

	memset(want, 0, sizeof(want));
	for (uint32_t i = 1; i <= head->lines; i++) {
		for (int w = 0; w < BAN_WAYS; w++) {
			struct ban_client c = {
				.addr = infos[i].way[w].client
			};
			uint32_t dist;

			assert_int_not_equal(lines[i].expires[w], BAN_CLAIMED);
			if (lines[i].expires[w] == BAN_FREE)
				continue;
			n++;
			ban_client(head, &c);
			assert_int_equal(lines[i].who[w], c.key);
			for (dist = 0; dist < BAN_PROBE; dist++) {
				uint32_t at =
					ban_index_at(head->lines, c.home, dist);

				if (at == i)
					break;
				want[at]++;
			}
			assert_true(dist < BAN_PROBE);
		}
	}
	for (uint32_t i = 1; i <= head->lines; i++)
		assert_int_equal(passes(i), want[i]);
	assert_int_equal(head->used, n);
	return n;
}

/* Addresses of all kinds that differ in one bit, each somebody else's. */
static void test_whose(void **state)
{
	static const struct addr kinds[] = {
		{ .d = { 0, 0, ADDR_V4_WORD, 0x01020304 } },
		{ .d = { 0, 0, ADDR_V4_WORD, 0 } },
		{ .d = { 0xb80d0120, 0x01020304, 0, 0 } },
		{ .d = { 0xb80d0120, 0x01020304, 0x05060708, 0x090a0b0c } },
		{ .d = { 0, 0, 0, 0 } },
		{ .d = { 0, 0, 0, 0x01000000 } },
		{ .d = { ADDR_V4_WORD, 0x01020304, 0, 0 } },
		{ .d = { 0x00010000, 0, 0, 0 } },
	};

	table_make(50, 100);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(put(&kinds[i], LONG, NOW, BAN_REPLACE), 0);
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			assert_int_equal(holds(&kinds[k], NOW), k <= i);
		for (int bit = 0; bit < 128; bit++) {
			struct addr a = kinds[i];

			a.b[bit / 8] ^= 1 << bit % 8;
			if (!memcmp(&a, &kinds[5], sizeof(a)) ||
			    !memcmp(&a, &kinds[4], sizeof(a)))
				continue;
			assert_false(holds(&a, NOW));
		}
		assert_true(holds(&kinds[i], LONG - 1));
		assert_false(holds(&kinds[i], LONG));
	}
	assert_int_equal(check_table(), ARRAY_SIZE(kinds));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(lift(&kinds[i], BAN_TICK_MAX), 1);
		assert_false(holds(&kinds[i], NOW));
	}
	assert_int_equal(check_table(), 0);
}

/* It holds as many as it says, wherever they hash to, and not one more. */
static void test_full(void **state)
{
	static const uint32_t sizes[] = { 1,   2,   3,	  16,	    33,
					  511, 512, 1000, LINES_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		/* As full as user space makes it, small ones to the brim. */
		uint32_t slots = sizes[i] * BAN_WAYS;
		uint32_t max = sizes[i] <= 16	     ? slots :
			       sizes[i] < BAN_SMALL ? slots / 2 :
						      slots * 10 / 14;
		struct addr a;

		table_make(sizes[i], max);
		for (uint32_t n = 0; n < max; n++) {
			a = v4(n);
			assert_int_equal(put(&a, LONG + n % 2, NOW, BAN_EXTEND),
					 0);
		}
		a = v4(max);
		assert_int_equal(put(&a, LONG, NOW, BAN_EXTEND), -E2BIG);
		assert_false(holds(&a, NOW));
		assert_int_equal(check_table(), max);
		for (uint32_t n = 0; n < max; n++) {
			a = v4(n);
			assert_true(holds(&a, NOW));
		}
		/* What has run out makes room, the rest stays. */
		for (uint32_t n = max; n < max + max / 4; n++) {
			a = v4(n);
			if (put(&a, 2 * LONG, LONG, BAN_EXTEND))
				assert_true(max < slots); /* none in reach */
			else
				assert_true(holds(&a, LONG));
		}
		check_table();
		for (uint32_t n = 1; n < max; n += 2) {
			a = v4(n);
			assert_true(holds(&a, LONG));
		}
		for (uint32_t n = 0; n < max + max / 4; n++) {
			a = v4(n);
			lift(&a, BAN_TICK_MAX);
		}
		assert_int_equal(check_table(), 0);
	}
}

/* Lists as they come: the nth address of each. */
static struct addr v6(uint32_t upper, uint32_t lower)
{
	struct addr a = {};

	a.d[0] = htonl(upper);
	a.d[1] = htonl(lower);
	return a;
}

static struct addr listed(int kind, uint32_t n)
{
	switch (kind) {
	case 0: /* one behind the other */
		return v4(htonl(0x0a000000 + n));
	case 1: /* the first of each /24 */
		return v4(htonl(n << 8 | n >> 24));
	case 2: /* one of each /19 */
		return v4(htonl(n << 13 | (n & 1)));
	case 3: /* the /64s of a provider's /32 */
		return v6(0x20010db8, n);
	case 4: /* the first /64 of each /56, each /48, each /36, each /32 */
		return v6(0x20010db8 + (n >> 24), n << 8);
	case 5:
		return v6(0x20010db8 + (n >> 16), n << 16);
	case 6:
		return v6(0x20010000 + (n >> 4), n << 28);
	case 7:
		return v6(0x20010000 + n, 0);
	default: /* the last one of each /56 of two providers */
		return v6(n & 1 ? 0x20010db8 : 0x2a000000, n << 7 | 0xff);
	}
}

/* Of ban_map.h, which has a table of its own. */
uint32_t ban_map_entries(uint32_t max_bans);

/* Of whatever list, and whatever the seed, as many fit as are promised. */
static void test_fits(void **state)
{
	static const struct {
		uint32_t bans, n_lines, seeds;
	} sizes[] = {
		/* n_lines: as ban_map_entries() says */
		{ 100, 50, 1000 },   { 1000, 500, 300 },
		{ 2047, 1024, 100 }, { 2048, 717, 100 },
		{ 65536, 22938, 6 }, { 280000, 98000, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(ban_map_entries(sizes[i].bans),
				 sizes[i].n_lines + 1);
		for (uint32_t s = 0; s < 9 * sizes[i].seeds; s++) {
			table_make(sizes[i].n_lines, sizes[i].bans);
			for (uint32_t n = 0; n < sizes[i].bans; n++) {
				struct addr a = listed(s % 9, n);

				if (put(&a, LONG, NOW, BAN_EXTEND))
					fail_msg("list %u: %u of %u fit", s % 9,
						 n, sizes[i].bans);
			}
			assert_int_equal(head->used, sizes[i].bans);
		}
	}
}

static void test_modes(void **state)
{
	struct addr a = v4(7);

	table_make(3, 4);
	assert_int_equal(put(&a, LONG, NOW, BAN_EXTEND), 0);
	assert_int_equal(put(&a, LONG - 1, NOW, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG - 1)); /* not made shorter */
	assert_int_equal(put(&a, LONG + 1, NOW, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG));
	assert_int_equal(put(&a, LONG - 1, NOW, BAN_REPLACE), 0);
	assert_false(holds(&a, LONG - 1));
	assert_int_equal(lift(&a, NOW), 0); /* it has not run out */
	assert_int_equal(check_table(), 1);
	assert_int_equal(put(&a, 2 * LONG, LONG, BAN_EXTEND), 0);
	assert_true(holds(&a, LONG));
	assert_int_equal(check_table(), 1);
}

/* --- several CPUs --- */

enum what { NOTHING, PUT, PUT_OTHER, LIFT, LIFT_PAST, LOOK };

/* One line of four slots, or three lines, so that all get in each other's way.
 */
struct play {
	const char *name;
	uint32_t n_lines;
	uint32_t fillers; /* others that are banned before */
	uint32_t past; /* others whose bans have run out, before that */
	uint32_t known; /* the client has a ban until then, or 0 */
	enum what cpu[CPUS_MAX];
	bool always; /* is banned at every moment */
	bool never;
	bool in_the_end;
};

static struct {
	const struct play *what;
	struct ban_line lines[4];
	struct ban_infos infos[4];
	bool hashed; /* are the clients' keys */
	unsigned int looks;
} stage;

#define CLIENT 77
#define OTHER 78

static struct addr who(uint32_t n)
{
	struct addr a = v4(n);

	if (stage.hashed)
		a.d[2] = 0;
	return a;
}

static void stage_start(void *arg)
{
	memcpy(lines, stage.lines, sizeof(stage.lines));
	memcpy(infos, stage.infos, sizeof(stage.infos));
}

static void stage_make(const struct play *p)
{
	struct addr a = who(CLIENT);

	table_make(p->n_lines, p->n_lines * BAN_WAYS);
	for (uint32_t i = 0; i < p->past; i++) {
		struct addr b = who(1000 + i);

		assert_int_equal(put(&b, NOW - 1, NOW - 2, BAN_EXTEND), 0);
	}
	for (uint32_t i = 0; i < p->fillers; i++) {
		struct addr b = who(2000 + i);

		assert_int_equal(put(&b, LONG, NOW - 2, BAN_EXTEND), 0);
	}
	if (p->known)
		assert_int_equal(put(&a, p->known, NOW - 2, BAN_EXTEND), 0);
	memcpy(stage.lines, lines, sizeof(stage.lines));
	memcpy(stage.infos, infos, sizeof(stage.infos));
	stage.what = p;
}

static void stage_cpu(void *arg, unsigned int n)
{
	struct addr client = who(CLIENT), other = who(OTHER);
	int err;

	switch (stage.what->cpu[n]) {
	case PUT:
		err = put(&client, LONG + n, NOW, BAN_EXTEND);
		if (err || !holds(&client, LONG - 1))
			fail_msg("%s: %d, banned, but passed", stage.what->name,
				 err);
		break;
	case PUT_OTHER:
		err = put(&other, LONG, NOW, BAN_EXTEND);
		/* Full to the brim, and the last slot just being swept? */
		if (err == -E2BIG && stage.what->n_lines == 1)
			break;
		if (err || !holds(&other, NOW))
			fail_msg("%s: %d, banned, but passed", stage.what->name,
				 err);
		break;
	case LIFT:
		lift(&client, BAN_TICK_MAX);
		break;
	case LIFT_PAST:
		lift(&client, NOW);
		break;
	case LOOK:
		for (int i = 0; i < 2; i++) {
			bool banned = holds(&client, NOW);

			stage.looks += banned;
			if (banned ? stage.what->never : stage.what->always)
				fail_msg("%s: %s", stage.what->name,
					 banned ? "dropped" : "passed");
		}
		break;
	case NOTHING:
		break;
	}
}

static void stage_check(void *arg, unsigned int order)
{
	struct addr a = who(CLIENT);
	struct ban_client c = { .addr = a };
	unsigned int slots = 0;

	ban_client(head, &c);

	check_table();
	for (uint32_t i = 1; i <= head->lines; i++)
		for (int w = 0; w < BAN_WAYS; w++)
			slots += lines[i].expires[w] > NOW &&
				 lines[i].who[w] == c.key;
	assert_true(slots <= 1); /* no double is left */
	if (holds(&a, NOW) != stage.what->in_the_end)
		fail_msg("%s, order %u: wrong in the end", stage.what->name,
			 order);
	/* Those that were banned before still are. */
	for (uint32_t i = 0; i < stage.what->fillers; i++) {
		a = who(2000 + i);
		assert_true(holds(&a, NOW));
	}
}

static void test_concurrent(void **state)
{
	static const struct play plays[] = {
		{ "two sensors ban one client",
		  3,
		  0,
		  0,
		  0,
		  { PUT, PUT, NOTHING },
		  .in_the_end = true },
		{ "the same, lines are full",
		  3,
		  7,
		  0,
		  0,
		  { PUT, PUT, NOTHING },
		  .in_the_end = true },
		{ "the same, in place of who ran out",
		  3,
		  4,
		  4,
		  0,
		  { PUT, PUT, NOTHING },
		  .in_the_end = true },
		{ "made longer by two, always banned",
		  3,
		  4,
		  0,
		  LONG - 2,
		  { PUT, PUT, LOOK },
		  .always = true,
		  .in_the_end = true },
		{ "renewed while the sweep removes what ran out",
		  3,
		  3,
		  0,
		  NOW - 1,
		  { PUT, LIFT_PAST, NOTHING },
		  .in_the_end = true },
		{ "another comes and goes past him",
		  3,
		  5,
		  2,
		  LONG,
		  { PUT_OTHER, LOOK, NOTHING },
		  .always = true,
		  .in_the_end = true },
		{ "another takes the slot in which he ran out",
		  1,
		  3,
		  0,
		  NOW - 1,
		  { PUT_OTHER, LOOK, NOTHING },
		  .never = true },
		{ "the same while he is swept",
		  1,
		  3,
		  0,
		  NOW - 1,
		  { PUT_OTHER, LIFT_PAST, LOOK },
		  .never = true },
		{ "lifted: another comes in his place",
		  1,
		  3,
		  0,
		  LONG,
		  { LIFT, PUT_OTHER, NOTHING },
		  .in_the_end = false },
		{ "not banned, and others come",
		  3,
		  3,
		  3,
		  0,
		  { PUT_OTHER, PUT_OTHER, LOOK },
		  .never = true },
	};
	unsigned int orders = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plays); i++) {
		/* As they hash so, and otherwise. */
		for (int seed = 0; seed < 6; seed++) {
			struct interleave il = {
				.n_cpus = plays[i].cpu[2] == NOTHING ? 2 : 3,
				.preempts = plays[i].cpu[2] == NOTHING ? 3 : 2,
				.start = stage_start,
				.cpu = stage_cpu,
				.check = stage_check,
			};

			stage.hashed = seed & 1;
			stage_make(&plays[i]);
			orders += interleave(&il);
		}
	}
	printf("# %u orders\n", orders);
	assert_true(orders > 10000);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_concurrent),
	};

	return cmocka_run_group_tests_name("ban_lines", tests, setup, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of bans on two or three CPUs at once: in every order of steps, and
 * with memory as weakly ordered CPUs have it. In no order does anybody who is
 * banned pass, or anybody else get dropped, and nothing is lost.
 */
#include "lib/fixture.h"

#include "lib/weak_memory.h"

#define BAN_SEEN(line) wm_see(line)
#include "lib/ban_memory.h"

enum what { NOTHING, PUT, PUT_OTHER, LIFT, LIFT_PAST, LOOK, BUILD };

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

/* What the clients' keys are: theirs alone, hashed, or two have the same. */
enum keys { KEYS_PLAIN, KEYS_HASHED, KEYS_SAME, KEYS };

static struct {
	const struct play *what;
	struct ban_line lines[6];
	struct ban_infos infos[4];
	enum keys keys;
	unsigned int wrong; /* orders in which it was */
	char what_wrong[160]; /* the first that was */
} stage;

#define CLIENT 77
#define OTHER 78

static struct addr who(uint32_t n)
{
	struct addr a = v4(n);

	if (stage.keys != KEYS_PLAIN)
		a.d[2] = 0;
	/* The sum that is hashed is CLIENT's: see stage_make(). */
	if (stage.keys == KEYS_SAME && n == OTHER) {
		a.d[2] = 1;
		a.d[3] = CLIENT - 1;
	}
	return a;
}

/* The gate's look at it, or everybody else's. */
static bool is_banned(const struct addr *a, bool gate, uint32_t now)
{
	struct ban_found f = { .head = head, .client.addr = *a };

	__u64 hash = ban_hash(head, a);

	return gate ? ban_filter_has(head, hash) && ban_find_line(&f, hash) &&
			       ban_find(&f, now) :
		      holds(a, now);
}

static void wrong(const char *what, int n)
{
	if (!stage.wrong++)
		snprintf(stage.what_wrong, sizeof(stage.what_wrong),
			 "%s: %s (%d)", stage.what->name, what, n);
}

static void stage_start(void *arg)
{
	memcpy(lines, stage.lines, sizeof(stage.lines));
	memcpy(infos, stage.infos, sizeof(stage.infos));
	wm_start(lines);
}

static void stage_make(const struct play *p)
{
	struct addr a = who(CLIENT);

	table_make(p->n_lines, p->n_lines * BAN_WAYS);
	if (stage.keys == KEYS_SAME)
		head->seed[3] = head->seed[2];
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
	{ "two ban one client, another comes",
	  1,
	  1,
	  0,
	  0,
	  { PUT, PUT, PUT_OTHER },
	  .in_the_end = true },
	{ "always banned while the filter is built",
	  3,
	  3,
	  2,
	  LONG,
	  { BUILD, LOOK, NOTHING },
	  .always = true,
	  .in_the_end = true },
	{ "banned while the filter is built",
	  1,
	  2,
	  1,
	  0,
	  { BUILD, PUT, NOTHING },
	  .in_the_end = true },
	{ "made longer while the filter is built",
	  1,
	  2,
	  0,
	  LONG - 2,
	  { BUILD, PUT, LOOK },
	  .always = true,
	  .in_the_end = true },
	{ "two ban one client while the filter is built",
	  1,
	  1,
	  1,
	  0,
	  { PUT, PUT, BUILD },
	  .in_the_end = true },
	{ "not banned, and others come",
	  3,
	  3,
	  3,
	  0,
	  { PUT_OTHER, PUT_OTHER, LOOK },
	  .never = true },
};

static void stage_put(const struct addr *a, unsigned int n, bool may_be_full)
{
	int err = put(a, LONG + n, NOW, BAN_EXTEND);

	if (err == -E2BIG && may_be_full)
		return;
	if (err)
		wrong("cannot ban", err);
	else if (!is_banned(a, n & 1, NOW))
		wrong("banned, but passed", n);
}

static void stage_cpu(void *arg, unsigned int n)
{
	struct addr client = who(CLIENT), other = who(OTHER);

	switch (stage.what->cpu[n]) {
	case PUT:
		stage_put(&client, n, false);
		break;
	case PUT_OTHER:
		/* Full to the brim, and the last slot just being swept? */
		stage_put(&other, n, stage.what->n_lines == 1);
		break;
	case LIFT:
		lift(&client, BAN_TICK_MAX);
		break;
	case LIFT_PAST:
		lift(&client, NOW);
		break;
	case LOOK:
		for (int gate = 1; gate >= 0; gate--) {
			bool banned = is_banned(&client, gate, NOW);

			if (banned ? stage.what->never : stage.what->always)
				wrong(banned ? "dropped" : "passed", gate);
		}
		break;
	case BUILD:
		ban_filter_build(head);
		break;
	case NOTHING:
		break;
	}
	wm_end();
}

static void stage_check(void *arg, unsigned int order)
{
	struct addr a = who(CLIENT);
	struct ban_client c = { .addr = a };
	unsigned int slots = 0;

	if (wm.unordered) /* then only who sees what */
		return;
	ban_client(head, &c);
	check_table();
	for (uint32_t i = 1; i <= head->lines; i++)
		for (int w = 0; w < BAN_WAYS; w++)
			slots +=
				lines[i].expires[w] > NOW &&
				!memcmp(&infos[i].way[w].client, &a, sizeof(a));
	if (slots > 1)
		wrong("a double is left", order);
	if (holds(&a, NOW) != stage.what->in_the_end)
		wrong("in the end", order);
	/* Those that were banned before still are. */
	for (uint32_t i = 0; i < stage.what->fillers; i++) {
		a = who(2000 + i);
		if (!holds(&a, NOW))
			wrong("another one", order);
	}
}

/* As they hash so, and otherwise, so often. In how many orders it was wrong. */
static unsigned int play_all(unsigned int seeds, unsigned int delays)
{
	unsigned int orders = 0;

	wm.delays = delays;
	for (size_t i = 0; i < ARRAY_SIZE(plays); i++) {
		for (unsigned int seed = 0; seed < seeds; seed++) {
			bool two = plays[i].cpu[2] == NOTHING;
			struct interleave il = {
				.n_cpus = two ? 2 : 3,
				.preempts = two && !delays ? 3 : 2,
				.start = stage_start,
				.cpu = stage_cpu,
				.check = stage_check,
			};

			stage.keys = seed % KEYS;
			stage_make(&plays[i]);
			orders += interleave(&il);
		}
	}
	printf("# %u orders, %u of them wrong; the first: %s\n", orders,
	       stage.wrong, stage.wrong ? stage.what_wrong : "none");
	assert_true(orders > 10000);
	return stage.wrong;
}

static void test_in_order(void **state)
{
	assert_int_equal(play_all(2 * KEYS, 0), 0);
}

static void test_weak(void **state)
{
	assert_int_equal(play_all(KEYS, 1), 0);
}

/* Whether the memory is weak at all: without what orders it, it must be seen.
 */
static void test_unordered(void **state)
{
	wm.unordered = true;
	assert_int_not_equal(play_all(1, 1), 0);
}

static int setup(void **state)
{
	dice_seed();
	memset(&stage, 0, sizeof(stage));
	wm.unordered = false;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, setup),
		cmocka_unit_test_setup(test_weak, setup),
		cmocka_unit_test_setup(test_unordered, setup),
	};

	return cmocka_run_group_tests_name("ban_order", tests, NULL, NULL);
}

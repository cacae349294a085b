// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A client's window (bpf/pure/window.h): against a naive log over random schedules,
 * at its exact edges, under every interleaving of several CPUs, and with real
 * threads.
 */
#include <pthread.h>

#include "client.h"
#include "lib/fixture.h"
#include "lib/interleave.h"

/*
 * The interleavings run the very source, in coroutines. Before every access to
 * what CPUs share, interrupt() may hand over to another one: the atomics call
 * it, and the size of the log, which is written wherever the log is accessed.
 */
enum { SLOTS = LOG_SLOTS };
#undef LOG_SLOTS
#define LOG_SLOTS (interrupt(), SLOTS)
#define __sync_fetch_and_add(p, v)                                             \
	(interrupt(), __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST))
#define __sync_val_compare_and_swap(p, was, now)                               \
	({                                                                     \
		__typeof__(*(p)) seen = was;                                   \
		interrupt();                                                   \
		__atomic_compare_exchange_n(                                   \
			p, &seen, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
		interrupt();                                                   \
		seen;                                                          \
	})
#include "pure/window.h"

/* Under which settings, and when. */
struct rule {
	uint32_t rate;
	uint32_t window; /* ticks */
	uint64_t ban; /* jiffies */
	uint8_t shift;
	uint8_t mode;
};

/* One failure, as bpf/failure.h takes it. True: it is the one that bans. */
static bool fail_once(struct client *c, const struct rule *r, uint64_t jiffies)
{
	uint64_t was_until;
	uint32_t ticket, tick;

	interrupt();
	was_until = *(volatile __u64 *)&c->until;
	interrupt();
	if (window_closed(was_until, jiffies, r->mode))
		return false;
	tick = window_tick(jiffies, r->shift);
	ticket = window_add(c, tick);
	if (!window_reached(c, ticket, tick,
			    &(struct limit){ r->rate, r->window, 0 },
			    window_from(c)))
		return false;
	return window_cross(c, ticket, was_until,
			    window_until(jiffies + r->ban, r->mode));
}

/* The naive log: all times, none of them wraps, nothing is concurrent. */
struct model {
	uint64_t tick[20000];
	unsigned int n, spent;
	uint64_t until;
	uint8_t until_mode;
};

static unsigned int model_count(const struct model *m, const struct rule *r,
				uint64_t tick)
{
	unsigned int n = 0;

	for (unsigned int i = m->spent; i < m->n; i++)
		n += tick - m->tick[i] <= r->window;
	return n;
}

static bool model_fail(struct model *m, const struct rule *r, uint64_t jiffies)
{
	if (jiffies < m->until &&
	    !(m->until_mode == MODE_MONITOR && r->mode == MODE_ENFORCE))
		return false;
	m->tick[m->n++] = jiffies >> r->shift;
	if (model_count(m, r, jiffies >> r->shift) < r->rate)
		return false;
	m->spent = m->n;
	m->until = jiffies + r->ban;
	m->until_mode = r->mode;
	return true;
}

static void random_rule(struct rule *r)
{
	static const uint32_t windows[] = { 1, 2, 63, 64, 65, 7500, 60480000 };

	r->rate = dice(3) ? dice_range(1, 12) : dice_range(1, RATE_MAX);
	r->window = dice(2) ? windows[dice(ARRAY_SIZE(windows))] :
			      dice_range(1, 100000);
	r->ban = dice(2) ? dice_range(1, 300) : dice_range(1, 1000000);
	r->mode = dice(4) ? MODE_ENFORCE : MODE_MONITOR;
}

/* Jiffies until the next failure: in clusters, and at the window's edges. */
static uint64_t random_gap(const struct rule *r)
{
	uint64_t window = (uint64_t)r->window << r->shift;

	switch (dice(12)) {
	case 0:
		return window;
	case 1:
		return window + (1 << r->shift);
	case 2:
		return window - window / r->rate;
	case 3:
		return window / r->rate;
	case 4:
		return window / r->rate + 1;
	case 5:
		return r->ban;
	case 6:
		return r->ban - 1;
	case 7:
		return dice(100000);
	default:
		return dice(3) ? 0 : dice(5);
	}
}

static void run_schedule(unsigned int length, unsigned int *crossings)
{
	static struct model m;
	struct client c = {};
	struct rule r = { .shift = dice(5) };
	/* Where ticks wrap, or where nothing does. */
	uint64_t now = dice(2) ? ((1ULL << 31) << r.shift) - dice(100000) :
				 dice_range(1, 1U << 31);

	memset(&m, 0, sizeof(m));
	c.head = dice(2) ? 0 : -dice(300); /* where tickets wrap */
	c.spent = c.forgiven = c.head;
	random_rule(&r);
	for (unsigned int i = 0; i < length; i++) {
		uint64_t tick = now >> r.shift;
		bool want = model_fail(&m, &r, now);
		unsigned int n = model_count(&m, &r, tick);

		assert_int_equal(fail_once(&c, &r, now), want);
		*crossings += want;
		assert_int_equal(window_count(&c, tick & TICK_MASK, r.window),
				 n < RATE_MAX ? n : RATE_MAX);
		assert_int_equal(c.head - c.spent, m.n - m.spent);
		now += random_gap(&r);
		if (!dice(50)) /* settings change while it runs */
			random_rule(&r);
	}
}

static void test_random_schedules(void **state)
{
	unsigned int crossings = 0;

	for (int i = 0; i < 20000; i++)
		run_schedule(dice_range(1, 400), &crossings);
	for (int i = 0; i < 20; i++)
		run_schedule(20000, &crossings);
	printf("# %u crossings\n", crossings);
	assert_true(crossings > 20000);
}

/* `rate` failures whose first and last are `age` ticks apart. */
static bool crosses_at_age(uint32_t rate, uint32_t window, uint64_t age,
			   uint64_t start)
{
	struct rule r = { .rate = rate, .window = window, .ban = 1 };
	struct client c = {};

	for (uint32_t i = 0; i + 1 < rate; i++)
		assert_false(fail_once(&c, &r, start + i * age / rate));
	return fail_once(&c, &r, start + age);
}

static void test_edges(void **state)
{
	static const uint32_t windows[] = { 1, 62, 7500, 60480000 };
	static const uint64_t starts[] = { 1, TICK_MASK - 62, TICK_MASK,
					   0xffffffff };

	for (uint32_t rate = 2; rate <= RATE_MAX; rate++) {
		for (size_t w = 0; w < ARRAY_SIZE(windows); w++) {
			for (size_t s = 0; s < ARRAY_SIZE(starts); s++) {
				uint64_t at = starts[s], win = windows[w];

				assert_true(crosses_at_age(rate, win, win, at));
				assert_false(
					crosses_at_age(rate, win, win + 1, at));
			}
		}
	}
	assert_true(crosses_at_age(1, 1, 0, 5));
}

/* CPUs whose clocks differ: a little in the future is now, more is long ago. */
static void test_skew(void **state)
{
	struct rule r = { .rate = 2, .window = 10, .ban = 1 };

	for (uint64_t ahead = 0; ahead < 2 * TICK_SKEW; ahead++) {
		struct client c = {};

		assert_false(fail_once(&c, &r, 1000 + ahead));
		assert_int_equal(fail_once(&c, &r, 1000), ahead <= TICK_SKEW);
	}
}

/*
 * What whole ticks make of a time span: one of T counts always, if the window
 * is T in ticks, rounded up; and one of two ticks more never.
 */
static void test_tick_resolution(void **state)
{
	for (int i = 0; i < 1000000; i++) {
		uint8_t shift = dice(5);
		uint64_t span = dice(2) ? dice(1000) : dice(1U << 30);
		uint64_t start = dice_roll() >> 20;
		uint32_t window = (span + (1U << shift) - 1) >> shift;
		uint32_t from = window_tick(start, shift);

		assert_true(((window_tick(start + span, shift) - from) &
			     TICK_MASK) <= window);
		span += 2ULL << shift;
		assert_true(((window_tick(start + span, shift) - from) &
			     TICK_MASK) > window);
	}
}

/* After a ban, the failures that led to it are forgotten; later ones aren't. */
static void test_spent(void **state)
{
	struct rule r = { .rate = 3, .window = 1000, .ban = 100 };
	struct client c = {};
	uint64_t now = 5000;

	for (int round = 0; round < 200; round++) {
		assert_false(fail_once(&c, &r, now));
		assert_false(fail_once(&c, &r, now));
		assert_true(fail_once(&c, &r, now));
		assert_int_equal(c.until, window_until(now + r.ban, r.mode));
		assert_false(fail_once(&c, &r, now + 1)); /* is banned */
		assert_false(fail_once(&c, &r, now + r.ban - 1));
		assert_int_equal(c.head, 3 * round + 3);
		now += r.ban;
	}
}

/* Monitor mode: would have been banned. Under enforce he starts anew. */
static void test_monitor(void **state)
{
	struct rule r = {
		.rate = 2, .window = 50, .ban = 100, .mode = MODE_MONITOR
	};
	struct client c = {};

	assert_false(fail_once(&c, &r, 1));
	assert_true(fail_once(&c, &r, 1));
	assert_false(fail_once(&c, &r, 2));
	assert_false(fail_once(&c, &r, 2));
	r.mode = MODE_ENFORCE;
	assert_false(fail_once(&c, &r, 3));
	assert_true(fail_once(&c, &r, 3));
	assert_false(fail_once(&c, &r, 4));
	r.mode = MODE_MONITOR; /* a real ban holds in any mode */
	assert_false(fail_once(&c, &r, 4));
	assert_false(fail_once(&c, &r, 102));
	assert_false(fail_once(&c, &r, 103));
	assert_true(fail_once(&c, &r, 103));
}

/* --- every interleaving --- */

struct scenario {
	const char *name;
	uint32_t rate;
	unsigned int failures[CPUS_MAX]; /* of each CPU */
	unsigned int recent; /* failures that are in the window already */
	unsigned int old; /* older ones, before them */
	unsigned int preempts;
	bool would_be; /* banned in monitor mode, and now it is enforce */
	/* Where it stands: */
	struct rule rule;
	struct client client;
	unsigned int crossed;
};

static void scenario_start(void *arg)
{
	struct scenario *s = arg;
	struct client *c = &s->client;

	memset(c, 0, sizeof(*c));
	c->head = c->spent = SLOTS - 2; /* over the end of the ring */
	s->rule = (struct rule){ .rate = RATE_MAX, .window = 99, .ban = 1000 };
	for (unsigned int i = 0; i < s->old + s->recent; i++)
		assert_false(fail_once(c, &s->rule, i < s->old ? 900 : 901));
	s->rule.rate = s->rate;
	if (s->would_be) {
		c->until = window_until(1500, MODE_MONITOR);
	}
	s->crossed = 0;
}

static void scenario_cpu(void *arg, unsigned int n)
{
	struct scenario *s = arg;

	for (unsigned int i = 0; i < s->failures[n]; i++)
		s->crossed += fail_once(&s->client, &s->rule, 1000);
}

/* Exactly one crossing if there were enough; else the next ones count on. */
static void scenario_check(void *arg, unsigned int order)
{
	struct scenario *s = arg;
	unsigned int total = s->recent;

	for (int i = 0; i < CPUS_MAX; i++)
		total += s->failures[i];
	if (s->crossed != (total >= s->rate))
		fail_msg("%s, order %u: crossed %u times", s->name, order,
			 s->crossed);
	for (; total < s->rate; total++)
		if (fail_once(&s->client, &s->rule, 1000) !=
		    (total == s->rate - 1))
			fail_msg("%s, order %u: one of %u missed or too many",
				 s->name, order, s->rate);
}

static void test_interleavings(void **state)
{
	static struct scenario scenarios[] = {
		{ "1 of 1, two at once", .rate = 1, .failures = { 1, 1 },
		  .preempts = 7 },
		{ "2 of 2", .rate = 2, .failures = { 1, 1 } },
		{ "3 of 2, one at once with two", .rate = 2,
		  .failures = { 2, 1 }, .preempts = 5 },
		{ "3 of 3, one before", .rate = 3, .failures = { 1, 1 },
		  .recent = 1 },
		{ "3 of 4, one before", .rate = 4, .failures = { 1, 1 },
		  .recent = 1 },
		{ "4 of 3, two before", .rate = 3, .failures = { 1, 1 },
		  .recent = 2, .preempts = 6 },
		{ "3 of 3, one too old", .rate = 3, .failures = { 1, 1 },
		  .old = 1 },
		{ "3 of 2, one too old", .rate = 2, .failures = { 1, 1 },
		  .old = 1 },
		{ "1 of 1, three at once", .rate = 1, .failures = { 1, 1, 1 },
		  .preempts = 3 },
		{ "2 of 2, three at once", .rate = 2, .failures = { 1, 1, 1 },
		  .preempts = 3 },
		{ "3 of 3, three at once", .rate = 3, .failures = { 1, 1, 1 },
		  .preempts = 3 },
		{ "3 of 4, three at once", .rate = 4, .failures = { 1, 1, 1 },
		  .preempts = 3 },
		{ "4 of 3, three at once", .rate = 3, .failures = { 1, 1, 1 },
		  .recent = 1, .preempts = 3 },
		{ "6 of 4, three at once", .rate = 4, .failures = { 2, 2, 2 },
		  .preempts = 2 },
		{ "2 of 1, a ban that would have been", .rate = 1,
		  .failures = { 1, 1 }, .would_be = true, .preempts = 5 },
		{ "4 of 2, a ban that would have been", .rate = 2,
		  .failures = { 2, 2 }, .would_be = true, .preempts = 3 },
	};
	unsigned int orders = 0;

	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct scenario *s = &scenarios[i];
		const struct interleave il = {
			.n_cpus = s->failures[2] ? 3 : 2,
			.preempts = s->preempts ? s->preempts : STEPS_MAX,
			.start = scenario_start,
			.cpu = scenario_cpu,
			.check = scenario_check,
			.arg = s,
		};

		orders += interleave(&il);
	}
	printf("# %u orders\n", orders);
	assert_true(orders > 20000);
}

/* --- real threads --- */

#define THREADS 4
#define ROUNDS 4000

static struct storm {
	pthread_barrier_t barrier;
	struct rule rule;
	struct client client;
	unsigned int each; /* failures of a thread */
	unsigned int crossed;
	bool over;
} storm;

static void *storm_thread(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&storm.barrier);
		if (storm.over)
			return NULL;
		for (unsigned int i = 0; i < storm.each; i++)
			if (fail_once(&storm.client, &storm.rule, 1000))
				__atomic_fetch_add(&storm.crossed, 1,
						   __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&storm.barrier);
	}
}

static void storm_round(unsigned int rate, unsigned int each)
{
	unsigned int total = each * THREADS;

	storm.rule = (struct rule){ .rate = rate, .window = 10, .ban = 10 };
	memset(&storm.client, 0, sizeof(storm.client));
	storm.each = each;
	storm.crossed = 0;
	pthread_barrier_wait(&storm.barrier);
	pthread_barrier_wait(&storm.barrier);
	assert_int_equal(storm.crossed, total >= rate);
	if (total < rate)
		assert_int_equal(storm.client.head, total);
	else
		assert_in_range(storm.client.head, rate, total);
}

static void test_threads(void **state)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&storm.barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, storm_thread,
						NULL),
				 0);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int each = dice_range(1, 15), all = each * THREADS;

		storm_round(all + 1, each);
		storm_round(all, each);
		storm_round(dice_range(1, all), each);
	}
	storm.over = true;
	pthread_barrier_wait(&storm.barrier);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static int setup(void **state)
{
	dice_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_schedules),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_tick_resolution),
		cmocka_unit_test(test_spent),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_interleavings),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("window", tests, setup, NULL);
}

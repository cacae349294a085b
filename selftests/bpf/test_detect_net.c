// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* net-rate: how many clients of a network may fail (bpf/net_window.h). */
#include "lib/talk.h"
#include "login.h"

#define NET_RATE 4
#define WINDOW 3600

static struct talk talk;
static uint16_t next_port;

/* Clients 1 to 255 are of one network, as are 257 to 511: /24, or /48 of /64s.
 */
static void answer(struct lab *lab, bool v6, uint16_t c, const char *reply)
{
	talk_begin(&talk, lab, v6, c, ++next_port, 1000);
	if (v6) {
		talk.flow.dst.b[4] = c >> 8;
		say_hello(&talk, 1000);
	}
	say(&talk, reply);
}

static void fails(struct lab *lab, bool v6, uint16_t c)
{
	answer(lab, v6, c, "535 5.7.8 Error: authentication failed\r\n");
}

static void set_net_rate(struct lab *lab, uint32_t clients, uint32_t ticks)
{
	lab->s.net[0] = (struct limit){ clients, ticks, WINDOW };
	lab->s.net[1] = lab->s.net[0];
	lab_apply(lab);
}

static uint32_t ticks_of_hour(const struct lab *lab)
{
	return (uint64_t)WINDOW * fixture_hz() >> lab->s.tick_shift;
}

static void check_event(struct lab *lab, bool v6)
{
	const struct event *e = &lab->event[0];
	struct net net, whole = network(&talk.flow.dst, v6 ? 48 : 96 + 24);

	assert_int_equal(lab_events(lab), 1);
	net = net_of(&e->client, e->len);
	assert_memory_equal(&net, &whole, sizeof(net));
	assert_int_equal(e->kind, EVENT_NET_CROSSED);
	assert_int_equal(e->failures, NET_RATE);
	assert_int_equal(e->window_sec, WINDOW);
	assert_int_equal(e->ban_sec, lab->s.policy[POLICY_PLAIN].ban_sec);
}

static void test_exact(void **state)
{
	struct lab *lab = lab_of(state);

	for (int v6 = 0; v6 < 2; v6++) {
		lab_reset(lab);
		set_net_rate(lab, NET_RATE, ticks_of_hour(lab));
		for (int n = 1; n < NET_RATE; n++) {
			fails(lab, v6, n);
			/* The same again is no other, elsewhere is not here. */
			fails(lab, v6, n);
			fails(lab, v6, 256 + n);
		}
		assert_int_equal(lab_events(lab), 0);
		fails(lab, v6, NET_RATE);
		check_event(lab, v6);
		assert_int_equal(lab->event[0].outcome, OUTCOME_NONE);
		/* Once: it is banned now. */
		for (int n = 1; n <= 2 * NET_RATE; n++)
			fails(lab, v6, NET_RATE + n);
		assert_int_equal(lab_events(lab), 1);
		assert_int_equal(bans_count(lab), 0);
	}
}

/* What is said of IPv6 is not of IPv4, nor the other way round. */
static void test_by_family(void **state)
{
	struct lab *lab = lab_of(state);

	for (int on = 0; on < 2; on++) {
		lab_reset(lab);
		memset(lab->s.net, 0, sizeof(lab->s.net));
		lab->s.net[on] =
			(struct limit){ NET_RATE, ticks_of_hour(lab), WINDOW };
		lab_apply(lab);
		for (int n = 1; n <= 2 * NET_RATE; n++)
			fails(lab, !on, n);
		assert_int_equal(lab_events(lab), 0);
		assert_int_equal(map_count(lab->skel->maps.nets), 0);
		for (int n = 1; n <= NET_RATE; n++)
			fails(lab, on, n);
		check_event(lab, on);
	}
}

static void test_off(void **state)
{
	struct lab *lab = lab_of(state);

	for (int n = 1; n < 100; n++)
		fails(lab, false, n);
	assert_int_equal(lab_events(lab), 0);
	assert_int_equal(map_count(lab->skel->maps.nets), 0);
}

/*
 * Regulars who mistype are no botnet; nor is who is allowlisted. But to have
 * logged in once, from each address, is no pass.
 */
static void test_not_counted(void **state)
{
	struct lab *lab = lab_of(state);

	set_net_rate(lab, NET_RATE, ticks_of_hour(lab));
	for (int n = 1; n <= 2 * NET_RATE; n++) {
		answer(lab, false, n, "235 2.7.0 Ok\r\n");
		talk_make_regular(&talk);
		fails(lab, false, n);
		allow_put(lab, &talk.flow.dst, 128, ALLOW_COMMAND);
		talk.flow.dst.b[15] += 100;
		allow_put(lab, &talk.flow.dst, 128, ALLOW_COMMAND);
		fails(lab, false, 100 + n);
	}
	assert_int_equal(counted(lab, COUNTER_NET_CROSSED), 0);
	assert_int_equal(lab_events(lab), 2 * NET_RATE); /* for the fuse */
	lab->n_events = 0;
	for (int n = 1; n <= NET_RATE; n++) {
		answer(lab, false, 200 + n, "235 2.7.0 Ok\r\n");
		fails(lab, false, 200 + n);
	}
	check_event(lab, false);
}

/* Those of before the time do not count. */
static void test_window(void **state)
{
	struct lab *lab = lab_of(state);
	uint64_t then;

	set_net_rate(lab, NET_RATE, 1);
	for (int n = 1; n < NET_RATE; n++)
		fails(lab, false, n);
	then = lab_clock(lab).jiffies;
	while (lab_clock(lab).jiffies < then + (3ULL << lab->s.tick_shift))
		;
	fails(lab, false, NET_RATE);
	assert_int_equal(lab_events(lab), 0);
}

static void test_monitor(void **state)
{
	struct lab *lab = lab_of(state);

	lab->s.mode = MODE_MONITOR;
	set_net_rate(lab, NET_RATE, ticks_of_hour(lab));
	for (int n = 1; n <= 3 * NET_RATE; n++)
		fails(lab, false, n);
	talk.flow.dst.b[15] = NET_RATE;
	check_event(lab, false);
	assert_int_equal(lab->event[0].outcome, OUTCOME_MONITOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_by_family),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_not_counted),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_monitor),
	};

	return cmocka_run_group_tests_name("networks", tests, lab_setup,
					   lab_teardown);
}

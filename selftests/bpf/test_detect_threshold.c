// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What follows from a failure (bpf/failure.h): the ban at the rate and not
 * before, one event, and what happens where something is full or forbidden.
 */
#include <pthread.h>
#include <sched.h>

#include "lib/talk.h"
#include "login.h"

#define REPLY "535 5.7.8 Error: authentication failed\r\n"
#define REPLY_TEXT 39 /* bytes: without LF */
#define RATE 10

static struct talk talk;
static uint16_t next_port;

/* n failures of client c, each on a connection of its own. */
static void fail_times(struct lab *lab, bool v6, uint16_t c, unsigned int n)
{
	while (n--) {
		talk_begin(&talk, lab, v6, c, ++next_port, 1000);
		say(&talk, REPLY);
	}
}

/* The key under which the last client is known. */
static struct addr key_of(const struct lab *lab, bool v6)
{
	struct net n = network(&talk.flow.dst, lab->s.client_len[v6]);
	struct addr a;

	memcpy(&a, n.addr, sizeof(a));
	return a;
}

static bool banned(const struct lab *lab, bool v6, struct ban *b)
{
	struct addr key = key_of(lab, v6);

	return ban_get(lab, &key, b);
}

static void check_ban(struct lab *lab, const struct ban *b,
		      struct clock_pair before)
{
	struct clock_pair after = lab_clock(lab);

	assert_in_range(
		b->expires,
		before.jiffies + lab->s.policy[POLICY_PLAIN].ban_jiffies -
			ban_tick(lab) + 1,
		after.jiffies + lab->s.policy[POLICY_PLAIN].ban_jiffies);
	assert_in_range(b->since, before.boot_ns, after.boot_ns);
	assert_int_equal(b->packets, 0);
	assert_int_equal(b->bytes, 0);
	assert_int_equal(b->failures,
			 lab->s.policy[POLICY_PLAIN].rate.failures);
	assert_int_equal(b->code, 535);
	assert_int_equal(b->flags, BAN_PROVISIONAL);
	assert_int_equal(b->reason[0], 0);
}

static void check_event(const struct lab *lab, const struct event *e,
			enum event_kind kind, enum event_outcome outcome,
			unsigned int failures)
{
	bool v6 = !addr_is_v4(&talk.flow.dst);

	assert_int_equal(e->version, EVENT_VERSION);
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->outcome, outcome);
	assert_int_equal(e->sensor, SENSOR_WIRE);
	assert_int_equal(e->len, lab->s.client_len[v6]);
	assert_int_equal(e->code, 535);
	assert_memory_equal(&e->client, &talk.flow.dst, sizeof(e->client));
	assert_true(e->ifindex > 0);
	assert_int_equal(e->failures, failures);
	assert_int_equal(e->window_sec, lab->s.policy[POLICY_PLAIN].rate.sec);
	assert_int_equal(e->ban_sec, lab->s.policy[POLICY_PLAIN].ban_sec);
	assert_int_equal(e->port, 25);
	assert_int_equal(e->text_len, REPLY_TEXT);
	assert_memory_equal(e->text, REPLY, REPLY_TEXT);
}

static void test_threshold(void **state)
{
	struct lab *lab = lab_of(state);
	struct clock_pair before;
	struct ban b, again;

	for (int v6 = 0; v6 < 2; v6++) {
		lab_reset(lab);
		fail_times(lab, v6, 1, RATE - 1);
		assert_false(banned(lab, v6, &b));
		assert_int_equal(lab_events(lab), 0);
		before = lab_clock(lab);
		fail_times(lab, v6, 1, 1);
		assert_true(banned(lab, v6, &b));
		check_ban(lab, &b, before);
		assert_int_equal(b.len, v6 ? 64 : 128);
		assert_int_equal(lab_events(lab), 1);
		check_event(lab, &lab->event[0], EVENT_CROSSED, OUTCOME_BANNED,
			    RATE);
		/* More of them change nothing, and say nothing. */
		fail_times(lab, v6, 1, 3 * RATE);
		assert_true(banned(lab, v6, &again));
		assert_memory_equal(&b, &again, sizeof(b));
		assert_int_equal(lab_events(lab), 1);
		counters_only(lab, "threshold", { COUNTER_FAILURE, RATE, 0 },
			      { COUNTER_FAILURE_BANNED, 3 * RATE, 0 },
			      { COUNTER_CROSSED, 1, 0 });
		assert_int_equal(bans_count(lab), 1);
	}
}

/* All rates, all failures in as few segments as they fit into. */
static void test_every_rate(void **state)
{
	struct lab *lab = lab_of(state);
	char all[RATE_MAX * 16];
	struct ban b;

	for (unsigned int rate = 1; rate <= RATE_MAX; rate++) {
		settings_rate(&lab->s, rate, 1 + rate * 1000);
		lab_apply(lab);
		for (unsigned int i = 0; i < rate; i++)
			memcpy(all + 7 * i, "535 x\r\n", 7);
		talk_begin(&talk, lab, rate & 1, rate, ++next_port, 1000);
		say_bytes(&talk, all, 7 * (rate - 1));
		assert_false(banned(lab, rate & 1, &b));
		say_bytes(&talk, all, 7);
		assert_true(banned(lab, rate & 1, &b));
		assert_int_equal(b.failures, rate);
		assert_int_equal(lab_events(lab), rate);
	}
}

/* The next failure already sees what was changed. */
static void test_live_change(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b;

	settings_rate(&lab->s, 60, 120);
	lab_apply(lab);
	fail_times(lab, false, 1, 9);
	settings_rate(&lab->s, 5, 120);
	lab_apply(lab);
	fail_times(lab, false, 1, 1);
	assert_true(banned(lab, false, &b));
	assert_int_equal(b.failures, 5);

	settings_rate(&lab->s, 10, 120);
	lab_apply(lab);
	fail_times(lab, false, 2, 9);
	settings_rate(&lab->s, 12, 120);
	lab_apply(lab);
	fail_times(lab, false, 2, 2);
	assert_false(banned(lab, false, &b));
	settings_ban_time(&lab->s, POLICY_PLAIN, 7);
	lab->s.codes[535] = ACTION_IGNORE;
	lab_apply(lab);
	fail_times(lab, false, 2, 1);
	assert_false(banned(lab, false, &b));
	lab->s.codes[535] = ACTION_COUNT;
	lab_apply(lab);
	fail_times(lab, false, 2, 1);
	assert_true(banned(lab, false, &b));
	assert_in_range(b.expires, 1,
			lab_clock(lab).jiffies + 7 * fixture_hz());
}

static void test_monitor(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b;

	lab->s.mode = MODE_MONITOR;
	lab_apply(lab);
	fail_times(lab, false, 1, RATE);
	assert_int_equal(lab_events(lab), 1);
	check_event(lab, &lab->event[0], EVENT_CROSSED, OUTCOME_MONITOR, RATE);
	fail_times(lab, false, 1, 2 * RATE);
	assert_int_equal(lab_events(lab), 1);
	assert_int_equal(bans_count(lab), 0);
	/* Under enforce, he needs as many again. */
	lab->s.mode = MODE_ENFORCE;
	lab_apply(lab);
	fail_times(lab, false, 1, RATE - 1);
	assert_false(banned(lab, false, &b));
	fail_times(lab, false, 1, 1);
	assert_true(banned(lab, false, &b));
	assert_int_equal(lab_events(lab), 2);
}

/* n failures of client c at a port. */
static void fail_at(struct lab *lab, uint16_t c, uint16_t port, unsigned int n)
{
	while (n--) {
		talk_begin(&talk, lab, false, c, ++next_port, 1000);
		talk.flow.sport = port;
		say_hello(&talk, 1000);
		say(&talk, REPLY);
	}
}

/* The flags of the ban of the last client. */
static uint8_t flags_of(struct lab *lab)
{
	struct ban b;

	assert_true(banned(lab, false, &b));
	return b.flags;
}

/* A ban leaves port 25 open to who has not failed there, until he does. */
static void test_delivery(void **state)
{
	struct lab *lab = lab_of(state);

	fail_at(lab, 1, 587, RATE);
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL | BAN_SPARES);
	fail_at(lab, 1, 587, RATE); /* replies that were on their way */
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL | BAN_SPARES);
	assert_int_equal(lab_events(lab), 1);
	fail_at(lab, 1, 25, 1);
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL);
	assert_int_equal(lab_events(lab), 2);
	assert_int_equal(lab->event[1].kind, EVENT_WIDENED);
	assert_int_equal(lab->event[1].len, 128);
	assert_memory_equal(&lab->event[1].client, &talk.flow.dst,
			    sizeof(talk.flow.dst));
	fail_at(lab, 1, 25, 1);
	assert_int_equal(lab_events(lab), 2); /* told once */

	fail_at(lab, 2, 25, RATE);
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL);
	fail_at(lab, 3, 25, 1);
	fail_at(lab, 3, 587, RATE - 1);
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL);
	lab->s.spares = 0;
	lab_apply(lab);
	fail_at(lab, 4, 587, RATE);
	assert_int_equal(flags_of(lab), BAN_PROVISIONAL);
}

/* A failure behind a ban that is old: 25 may be redirected to this port. */
static void test_delivery_elsewhere(void **state)
{
	struct lab *lab = lab_of(state);
	struct addr key;
	struct ban b;

	fail_at(lab, 1, 2525, RATE);
	key = key_of(lab, false);
	assert_true(ban_get(lab, &key, &b));
	assert_true(b.flags & BAN_SPARES);
	b.since -= 21 * 1000000000ULL;
	ban_set(lab, &key, &b);
	fail_at(lab, 1, 2525, 1);
	assert_false(flags_of(lab) & BAN_SPARES);
}

/* A ban that has run out is renewed; one that holds is never shortened. */
static void test_ban_there_already(void **state)
{
	struct lab *lab = lab_of(state);
	struct clock_pair now = lab_clock(lab);
	struct ban old = { .failures = 3, .code = 538, .reason = "before" }, b;
	struct addr key;

	fail_times(lab, false, 1, RATE - 1);
	key = key_of(lab, false);
	old.expires = now.jiffies - ban_tick(lab);
	ban_set(lab, &key, &old);
	fail_times(lab, false, 1, 1);
	assert_true(banned(lab, false, &b));
	check_ban(lab, &b, now);

	fail_times(lab, false, 2, RATE - 1);
	key = key_of(lab, false);
	old.expires = now.jiffies + 2 * lab->s.policy[POLICY_PLAIN].ban_jiffies;
	ban_set(lab, &key, &old);
	assert_true(banned(lab, false, &old));
	assert_string_equal(old.reason, "before");
	fail_times(lab, false, 2, 1);
	assert_true(banned(lab, false, &b));
	assert_memory_equal(&b, &old, sizeof(b));
	assert_int_equal(lab_events(lab), 2);
	assert_int_equal(lab->event[1].outcome, OUTCOME_BANNED);

	fail_times(lab, false, 3, RATE - 1);
	key = key_of(lab, false);
	old.expires = now.jiffies + 1000;
	ban_set(lab, &key, &old);
	fail_times(lab, false, 3, 1);
	assert_true(banned(lab, false, &b));
	assert_true(b.expires + ban_tick(lab) >
		    now.jiffies + lab->s.policy[POLICY_PLAIN].ban_jiffies);
	assert_string_equal(b.reason, "before");
}

/* When a ban is over, counting begins anew: nothing of before it is left. */
static void test_after_ban(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b;

	lab->s.policy[POLICY_PLAIN].ban_jiffies = 1;
	lab_apply(lab);
	for (int round = 0; round < 5; round++) {
		struct clock_pair now;

		fail_times(lab, false, 1, RATE - 1);
		assert_int_equal(lab_events(lab), round);
		fail_times(lab, false, 1, 1);
		assert_int_equal(lab_events(lab), round + 1);
		assert_true(banned(lab, false, &b));
		do
			now = lab_clock(lab);
		while (now.jiffies < b.expires + ban_tick(lab));
	}
}

static void test_allowlisted(void **state)
{
	struct lab *lab = lab_of(state);
	struct addr a;
	struct ban b;

	for (uint32_t flag = ALLOW_COMMAND; flag <= ALLOW_GATEWAY; flag <<= 1) {
		lab_reset(lab);
		a = address(false, 2, 0, 1);
		allow_put(lab, &a, 120, flag);
		fail_times(lab, false, 1, 3 * RATE);
		fail_times(lab, false, 256, RATE); /* of the next /24 */
		assert_true(banned(lab, false, &b));
		assert_int_equal(lab_events(lab), 1);
		counters_only(lab, "allowlist",
			      { COUNTER_FAILURE_ALLOWED, 3 * RATE, 0 },
			      { COUNTER_FAILURE, RATE, 0 },
			      { COUNTER_CROSSED, 1, 0 });
		assert_int_equal(map_count(lab->skel->maps.clients), 1);
	}
}

static void test_log_failures(void **state)
{
	struct lab *lab = lab_of(state);

	lab->s.log_failures = 1;
	lab_apply(lab);
	for (unsigned int i = 0; i < RATE - 1; i++) {
		fail_times(lab, true, 1, 1);
		assert_int_equal(lab_events(lab), i + 1);
		check_event(lab, &lab->event[i], EVENT_FAILURE, OUTCOME_NONE,
			    i + 1);
	}
	fail_times(lab, true, 1, 1);
	assert_int_equal(lab_events(lab), RATE + 1);
	check_event(lab, &lab->event[RATE - 1], EVENT_FAILURE, OUTCOME_NONE,
		    RATE);
	check_event(lab, &lab->event[RATE], EVENT_CROSSED, OUTCOME_BANNED,
		    RATE);
}

/* A success is remembered of whom is known; without credit, that is all. */
static void test_success(void **state)
{
	struct lab *lab = lab_of(state);
	struct client c;
	struct addr key;
	struct ban b;

	lab->s.credit = CREDIT_OFF;
	lab_apply(lab);
	talk_begin(&talk, lab, false, 1, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n");
	assert_int_equal(map_count(lab->skel->maps.clients), 0);
	fail_times(lab, false, 1, RATE - 1);
	talk_begin(&talk, lab, false, 1, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n");
	say_at(&talk, 1000, "235 2.7.0 ok\r\n", 14);
	key = key_of(lab, false);
	assert_true(client_get(lab, &key, &c));
	assert_int_equal(c.successes, 1);
	assert_int_equal(c.failures, RATE - 1);
	fail_times(lab, false, 1, 1);
	assert_true(banned(lab, false, &b));
	assert_int_equal(counted(lab, COUNTER_SUCCESS), 2);
}

/* Nobody can be forgiven by two replies of one segment, or soon after. */
static void test_success_forgives_once(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b;

	fail_times(lab, false, 1, RATE - 1);
	talk_begin(&talk, lab, false, 1, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n");
	fail_times(lab, false, 1, RATE - 1);
	assert_false(banned(lab, false, &b));
	talk_begin(&talk, lab, false, 1, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n235 2.7.0 ok\r\n");
	fail_times(lab, false, 1, 1);
	assert_true(banned(lab, false, &b));
}

/* Bans of a minute up to the limit, the rest is only told of. */
static void test_brake(void **state)
{
	struct lab *lab = lab_of(state);

	lab->s.brake.failures = 3;
	lab_apply(lab);
	for (int c = 0; c < 5; c++) {
		fail_times(lab, false, 256 * c, RATE); /* of a /24 each */
		assert_int_equal(lab_events(lab), c + 1);
		assert_int_equal(lab->event[c].outcome,
				 c < 3 ? OUTCOME_BANNED : OUTCOME_BRAKE);
	}
	assert_int_equal(bans_count(lab), 3);
	assert_int_equal(counted(lab, COUNTER_BRAKED), 2);
	/* It goes on being counted, and is told of at the next crossing. */
	fail_times(lab, false, 4 * 256, RATE - 1);
	assert_int_equal(lab_events(lab), 5);
	lab->s.brake.failures = 0;
	lab_apply(lab);
	fail_times(lab, false, 4 * 256, 1);
	assert_int_equal(lab_events(lab), 6);
	assert_int_equal(bans_count(lab), 4);
}

/* How many of n clients of one network, IPv4 or IPv6, get banned. */
static unsigned int banned_of(struct lab *lab, bool v6, uint16_t first,
			      unsigned int n)
{
	unsigned int bans = 0;
	struct ban b;

	for (unsigned int c = 0; c < n; c++) {
		fail_times(lab, v6, first + c, RATE);
		bans += banned(lab, v6, &b);
	}
	return bans;
}

/*
 * A network cannot keep the brake full: it gets a tenth of it, at least one,
 * and all others get the rest.
 */
static void test_brake_share(void **state)
{
	struct lab *lab = lab_of(state);

	for (int v6 = 0; v6 < 2; v6++) {
		lab_reset(lab);
		lab->s.brake.failures = 30;
		lab_apply(lab);
		assert_int_equal(banned_of(lab, v6, 0, 60), 3);
		assert_int_equal(lab_events(lab), 60);
		assert_int_equal(lab->event[3].outcome, OUTCOME_BRAKE_SHARE);
		assert_int_equal(counted(lab, COUNTER_BRAKED), 57);
		for (unsigned int n = 1; n < 28; n++)
			assert_int_equal(banned_of(lab, false, n << 8, 1), 1);
		assert_int_equal(banned_of(lab, false, 28 << 8, 1), 0);
	}
	lab_reset(lab);
	lab->s.brake.failures = 5;
	lab_apply(lab);
	assert_int_equal(banned_of(lab, false, 0, 3), 1);
	assert_int_equal(banned_of(lab, false, 256, 3), 1);
}

/* A share is of a minute, as the brake is: then it is there again. */
static void test_brake_share_again(void **state)
{
	struct lab *lab = lab_of(state);
	uint64_t then;

	lab->s.brake.failures = 20;
	lab->s.brake.ticks = 1;
	lab_apply(lab);
	for (int i = 0; i < 5; i++) {
		assert_in_range(banned_of(lab, true, 10 * i, 2), 1, 2);
		then = lab_clock(lab).jiffies;
		while (lab_clock(lab).jiffies <
		       then + (3ULL << lab->s.tick_shift))
			;
	}
}

/* The last client logs in, `hours` after its first login. */
static void logs_in(struct lab *lab, bool v6, uint16_t c, int hours)
{
	struct login l;
	struct addr key;
	int fd = bpf_map__fd(lab->skel->maps.regulars);

	talk_begin(&talk, lab, v6, c, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n");
	key = key_of(lab, v6);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &l), 0);
	l.first -= hours * 3600 * 1000000000LL;
	assert_int_equal(bpf_map_update_elem(fd, &key, &l, BPF_EXIST), 0);
	talk_begin(&talk, lab, v6, c, ++next_port, 1000);
	say(&talk, "235 2.7.0 ok\r\n");
}

/*
 * While it has blown, regulars are not banned, nor are strangers, except for
 * going on and on; and who logs in since today only is no regular.
 */
static void test_fuse(void **state)
{
	struct lab *lab = lab_of(state);

	fail_times(lab, false, 1, 1);
	logs_in(lab, false, 2, 11);
	fail_times(lab, false, 2, 1);
	assert_int_equal(lab_events(lab), 0);
	assert_int_equal(counted(lab, COUNTER_REGULARS_FAILING), 0);
	logs_in(lab, false, 3, 12);
	lab->slots->fuse_until = lab_clock(lab).jiffies + 100000;
	fail_times(lab, false, 3, RATE);
	assert_int_equal(counted(lab, COUNTER_REGULARS_FAILING), 1);
	assert_int_equal(lab_events(lab), 2);
	assert_int_equal(lab->event[0].kind, EVENT_REGULAR);
	assert_int_equal(lab->event[1].outcome, OUTCOME_FUSE);
	fail_times(lab, false, 3, 5 * RATE);
	assert_int_equal(bans_count(lab), 0);
	assert_int_equal(counted(lab, COUNTER_FUSED), 6);
	/* a stranger: its second ten are too many */
	fail_times(lab, false, 4, 2 * RATE - 1);
	assert_int_equal(bans_count(lab), 0);
	fail_times(lab, false, 4, 1);
	assert_int_equal(bans_count(lab), 1);
	lab->slots->fuse_until = lab_clock(lab).jiffies;
	fail_times(lab, false, 3, RATE);
	assert_int_equal(bans_count(lab), 2);
}

/* Entries of a build that did not know when: regular with the next login. */
static void test_regular_of_before(void **state)
{
	struct lab *lab = lab_of(state);
	struct login old = {};
	struct addr key;
	bool long_up = lab_clock(lab).boot_ns >= REGULAR_NS;

	talk_begin(&talk, lab, false, 1, ++next_port, 1000);
	key = key_of(lab, false);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.regulars), &key,
				    &old, BPF_ANY),
		0);
	fail_times(lab, false, 1, 1);
	assert_int_equal(counted(lab, COUNTER_REGULARS_FAILING), 0);
	logs_in(lab, false, 1, long_up ? 0 : 12);
	map_clear(lab->skel->maps.clients);
	fail_times(lab, false, 1, 1);
	assert_int_equal(counted(lab, COUNTER_REGULARS_FAILING), 1);
}

static void test_bans_full(void **state)
{
	struct lab *lab;
	struct ban b;

	lab_of(state); /* or skip */
	lab = lab_open((struct lab_sizes){ .bans = 4 });
	for (uint16_t c = 1; c <= 4; c++) {
		fail_times(lab, false, c, RATE);
		assert_true(banned(lab, false, &b));
	}
	assert_int_equal(counted(lab, COUNTER_BANS_FULL), 0);
	fail_times(lab, false, 5, RATE);
	assert_false(banned(lab, false, &b));
	assert_int_equal(lab_events(lab), 5);
	check_event(lab, &lab->event[4], EVENT_CROSSED, OUTCOME_MAP_FULL, RATE);
	assert_int_equal(counted(lab, COUNTER_BANS_FULL), 1);
	assert_int_equal(bans_count(lab), 4);
	/* He isn't taken for banned: he counts, and is banned once he can be.
	 */
	bans_clear(lab);
	fail_times(lab, false, 5, RATE);
	assert_true(banned(lab, false, &b));
	assert_int_equal(lab_events(lab), 6);
	assert_int_equal(lab->event[5].outcome, OUTCOME_BANNED);
	lab_close(lab);
}

static void test_events_full(void **state)
{
	struct lab_sizes sizes = { .events = sysconf(_SC_PAGESIZE) };
	struct lab *lab;
	uint64_t lost;
	struct ban b;

	lab_of(state); /* or skip */
	lab = lab_open(sizes);
	lab->s.log_failures = 1;
	settings_rate(&lab->s, 1, 120);
	lab_apply(lab);
	for (uint16_t c = 1; c <= 100; c++) {
		fail_times(lab, false, c, 1);
		assert_true(banned(lab, false, &b));
	}
	lost = counted(lab, COUNTER_EVENT_LOST);
	assert_in_range(lost, 200 - sizes.events / sizeof(struct event), 199);
	assert_int_equal(lab_events(lab) + lost, 200);
	fail_times(lab, false, 101, 1); /* there is room again */
	assert_int_equal(lab_events(lab) + lost, 202);
	lab_close(lab);
}

/* More clients than there is room for: the table forgets, but never stops. */
static void test_many_clients(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b;

	settings_rate(&lab->s, 2, 120);
	lab_apply(lab);
	for (uint16_t c = 1; c <= 5000; c++)
		fail_times(lab, false, c, 1);
	assert_int_equal(counted(lab, COUNTER_FAILURE), 5000);
	assert_int_equal(counted(lab, COUNTER_CLIENTS_FULL), 0);
	assert_int_equal(lab_events(lab), 0);
	fail_times(lab, false, 5001, 2);
	assert_true(banned(lab, false, &b));
}

/* --- failures of one client on several CPUs at once --- */

#define CPUS 2

static struct storm {
	pthread_barrier_t barrier;
	struct lab *lab;
	unsigned int each; /* failures on a CPU */
	bool over;
} storm;

static void *storm_cpu(void *arg)
{
	long n = (long)arg, online = sysconf(_SC_NPROCESSORS_ONLN);
	struct talk *t = calloc(1, sizeof(*t));
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n % online, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (uint16_t port = n * 30000;;) {
		pthread_barrier_wait(&storm.barrier);
		if (storm.over)
			break;
		for (unsigned int i = 0; i < storm.each; i++) {
			talk_begin(t, storm.lab, false, 1, ++port, 1000);
			say(t, "535 x\r\n");
		}
		pthread_barrier_wait(&storm.barrier);
	}
	free(t);
	return NULL;
}

static void storm_round(struct lab *lab, unsigned int rate, unsigned int each)
{
	unsigned int all = CPUS * each, want = all >= rate;

	map_clear(lab->skel->maps.clients);
	map_zero(lab->skel->maps.brake); /* they are all of one network */
	bans_clear(lab);
	counters_clear(lab);
	lab->n_events = 0;
	settings_rate(&lab->s, rate, 120);
	lab_apply(lab);
	storm.each = each;
	pthread_barrier_wait(&storm.barrier);
	pthread_barrier_wait(&storm.barrier);
	assert_int_equal(lab_events(lab), want);
	assert_int_equal(bans_count(lab), want);
	assert_int_equal(counted(lab, COUNTER_CROSSED), want);
	assert_int_equal(counted(lab, COUNTER_FAILURE) +
				 counted(lab, COUNTER_FAILURE_BANNED),
			 all);
	if (!want) /* and not one of them was lost */
		assert_int_equal(counted(lab, COUNTER_FAILURE), all);
}

static void test_concurrent(void **state)
{
	struct lab *lab = lab_of(state);
	pthread_t thread[CPUS];

	storm.lab = lab;
	storm.over = false;
	pthread_barrier_init(&storm.barrier, NULL, CPUS + 1);
	for (long i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, storm_cpu,
						(void *)i),
				 0);
	for (int i = 0; i < 300; i++) {
		unsigned int each = dice_range(1, 30), all = each * CPUS;

		storm_round(lab, all, each);
		storm_round(lab, all + 1, each);
		storm_round(lab, dice_range(1, all), each);
	}
	storm.over = true;
	pthread_barrier_wait(&storm.barrier);
	for (int i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_every_rate),
		cmocka_unit_test(test_live_change),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_ban_there_already),
		cmocka_unit_test(test_after_ban),
		cmocka_unit_test(test_allowlisted),
		cmocka_unit_test(test_log_failures),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_success_forgives_once),
		cmocka_unit_test(test_brake),
		cmocka_unit_test(test_brake_share),
		cmocka_unit_test(test_brake_share_again),
		cmocka_unit_test(test_fuse),
		cmocka_unit_test(test_regular_of_before),
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_delivery_elsewhere),
		cmocka_unit_test(test_bans_full),
		cmocka_unit_test(test_events_full),
		cmocka_unit_test(test_many_clients),
		cmocka_unit_test(test_concurrent),
	};

	return cmocka_run_group_tests_name("threshold", tests, lab_setup,
					   lab_teardown);
}

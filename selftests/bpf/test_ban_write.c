// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * User space at the table of bans (user/lists/banlist.c): it writes them while
 * packets are counted on them, removes what has run out, writes a million. And
 * the clock.
 */
#include <linux/bpf.h>
#include <pthread.h>

#include "lib/harness.h"

#define PAYLOAD "EHLO x\r\n"

static int write_ban(struct lab *lab, const struct ban_row *row)
{
	return banlist_put(&lab->pins, &row->net, &row->ban);
}

static int expire(struct lab *lab, const struct net *net)
{
	return banlist_expire(&lab->pins, net);
}

static struct ban_row request(struct lab *lab, uint8_t host, int64_t lasts)
{
	struct clock_pair now = lab_clock(lab);
	struct addr a = address(false, 2, 0, host);

	return (struct ban_row){
		.net = client_at(&lab->pins, &a),
		.ban = { .expires = now.jiffies + lasts,
			 .since = now.boot_ns,
			 .packets = 1111, /* to be ignored */
			 .bytes = 2222,
			 .failures = 10 + host,
			 .code = 535,
			 .len = 1,
			 .window = 120,
			 .flags = BAN_FORCED,
			 .reason = "a test" },
	};
}

static void drop_one(struct lab *lab, const struct net *net)
{
	static struct frame frame;
	struct flow flow = { .src = net_addr(net),
			     .dst = address(false, 1, 0, 1),
			     .dport = 25 };

	frame_build(&frame, &shapes[0], &flow, false, 1, PAYLOAD,
		    strlen(PAYLOAD));
	assert_int_equal(run_bytes(lab->skel->progs.drop_ethernet, frame.data,
				   frame.len),
			 XDP_DROP);
}

static void give_reason(struct ban_row *row, const char *reason)
{
	memset(row->ban.reason, 0, sizeof(row->ban.reason));
	strcpy(row->ban.reason, reason);
}

/* Makes it run out; with everything else as it is. */
static void run_out(struct lab *lab, const struct ban_row *row)
{
	struct addr a = net_addr(&row->net);
	struct ban b = row->ban;

	b.expires = lab_clock(lab).jiffies - 1000;
	ban_set(lab, &a, &b);
}

/* The table has what was asked for, and these drops; it ends no earlier. */
static void check_ban(const struct lab *lab, const struct ban_row *rq,
		      uint64_t packets, uint64_t bytes)
{
	struct ban b, want = rq->ban;

	assert_int_equal(banlist_get(&lab->pins, &rq->net, &b), 0);
	assert_in_range(b.expires, want.expires - ban_tick(lab) + 1,
			want.expires);
	want.expires = b.expires;
	want.len = rq->net.len;
	want.packets = packets;
	want.bytes = bytes;
	assert_memory_equal(&b, &want, sizeof(b));
}

static void test_insert(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 100000);

	memset(rq.ban.reason, 'x', BAN_REASON_SIZE - 1);
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	drop_one(lab, &rq.net);
	assert_int_equal(bans_count(lab), 1);
}

/* Reasons that follow from the rest need no room. */
static void test_reasons(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 100000);

	give_reason(&rq, "11 failures in 2m");
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(map_count(lab->skel->maps.ban_reasons), 0);
	give_reason(&rq, "some other");
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(map_count(lab->skel->maps.ban_reasons), 1);
	give_reason(&rq, "by command");
	rq.ban.failures = 0;
	rq.ban.window = 0;
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(map_count(lab->skel->maps.ban_reasons), 0);
	give_reason(&rq, "gone with the ban");
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(banlist_remove(&lab->pins, &rq.net), 0);
	assert_int_equal(map_count(lab->skel->maps.ban_reasons), 0);
}

static void test_rewrite(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 100000);
	uint32_t len = 54 + strlen(PAYLOAD);

	assert_int_equal(write_ban(lab, &rq), 0);
	for (int i = 0; i < 7; i++)
		drop_one(lab, &rq.net);
	/* Longer, another reason: the drops remain. */
	rq = request(lab, 1, 500000);
	rq.ban.flags = 0;
	rq.ban.code = 538;
	rq.ban.failures = 99;
	give_reason(&rq, "another");
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 7, 7 * len);
	drop_one(lab, &rq.net);
	check_ban(lab, &rq, 8, 8 * len);
	/* Shorter works, too. */
	rq.ban.expires -= 490000;
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 8, 8 * len);
	/* It runs out; the next one starts with no drops. */
	run_out(lab, &rq);
	rq = request(lab, 1, 100000);
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(bans_count(lab), 1);
	/* One that is past already takes away what is there. */
	rq.ban.expires = lab_clock(lab).jiffies - 1000;
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(bans_count(lab), 0);
}

/* A hundred years are more than a tick of the table can say. */
static void test_long(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 0);

	rq.ban.expires += 36500ULL * 86400 * fixture_hz();
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	drop_one(lab, &rq.net);
	give_reason(&rq, "11 failures in 2m");
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 1, 54 + strlen(PAYLOAD));
	rq.ban.expires = lab_clock(lab).jiffies + 100000;
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 1, 54 + strlen(PAYLOAD));
	assert_int_equal(map_count(lab->skel->maps.ban_reasons), 0);
}

static void test_full(void **state)
{
	struct ban_row rq;
	struct lab *lab;

	lab_of(state); /* or skip */
	lab = lab_open((struct lab_sizes){ .bans = 4 });
	for (int i = 0; i < 4; i++) {
		rq = request(lab, i, 1000);
		assert_int_equal(write_ban(lab, &rq), 0);
	}
	rq = request(lab, 4, 1000);
	assert_int_equal(write_ban(lab, &rq), -E2BIG);
	assert_int_equal(bans_count(lab), 4);
	rq = request(lab, 2, 7000); /* those that are there can be changed */
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	run_out(lab, &rq); /* and what has run out makes room */
	rq = request(lab, 4, 1000);
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(bans_count(lab), 4);
	assert_int_equal(banlist_remove(&lab->pins, &rq.net), 0);
	assert_int_equal(bans_count(lab), 3);
	lab_close(lab);
}

static void test_expire(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 100000);
	struct ban b;

	assert_int_equal(expire(lab, &rq.net), -ENOENT);
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(expire(lab, &rq.net), -EBUSY);
	assert_int_equal(banlist_get(&lab->pins, &rq.net, &b), 0);
	run_out(lab, &rq);
	assert_int_equal(expire(lab, &rq.net), 0);
	assert_int_equal(banlist_get(&lab->pins, &rq.net, &b), -ENOENT);
	assert_int_equal(expire(lab, &rq.net), -ENOENT);
	assert_int_equal(bans_count(lab), 0);
}

/* While one CPU drops, another rewrites: no drop is lost. */
static volatile bool rewriting;

static void *rewriter(void *arg)
{
	struct lab *lab = arg;
	int64_t lasts = 100000;

	while (rewriting) {
		struct ban_row rq = request(lab, 1, lasts++);

		assert_int_equal(write_ban(lab, &rq), 0);
	}
	return NULL;
}

static void test_rewrite_while_dropping(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_row rq = request(lab, 1, 100000);
	pthread_t thread;
	struct ban b;

	assert_int_equal(write_ban(lab, &rq), 0);
	rewriting = true;
	assert_int_equal(pthread_create(&thread, NULL, rewriter, lab), 0);
	for (int i = 0; i < 50000; i++)
		drop_one(lab, &rq.net);
	rewriting = false;
	pthread_join(thread, NULL);
	assert_int_equal(banlist_get(&lab->pins, &rq.net, &b), 0);
	assert_int_equal(b.packets, 50000);
	assert_int_equal(b.bytes, 50000 * (54 + strlen(PAYLOAD)));
}

/* How far jiffies and CLOCK_BOOTTIME are apart after a pause, in ticks. */
static int64_t drift(struct lab *lab)
{
	struct timespec before, after, pause = { .tv_nsec = 200000000 };
	struct clock_pair a, b;
	uint64_t ns;

	clock_gettime(CLOCK_BOOTTIME, &before);
	a = lab_clock(lab);
	clock_gettime(CLOCK_BOOTTIME, &after);
	assert_in_range(a.boot_ns,
			before.tv_sec * 1000000000UL + before.tv_nsec,
			after.tv_sec * 1000000000UL + after.tv_nsec);
	nanosleep(&pause, NULL);
	b = lab_clock(lab);
	ns = b.boot_ns - a.boot_ns;
	assert_in_range(ns, 200000000, 20000000000);
	return b.jiffies - a.jiffies - ns * fixture_hz() / 1000000000;
}

/*
 * CLOCK_BOOTTIME in ns, and jiffies at the rate that user space works out. An
 * emulated CPU that stood still has ticks to catch up with: try again.
 */
static void test_clock(void **state)
{
	int64_t ticks = drift(lab_of(state));

	for (int i = 0; i < 20 && (ticks < -2 || ticks > 2); i++)
		ticks = drift(lab_of(state));
	assert_in_range(ticks + 2, 0, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_rewrite_while_dropping),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests_name("ban_write", tests, lab_setup,
					   lab_teardown);
}

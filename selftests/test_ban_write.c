// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What user space has the kernel do (bpf/control.bpf.c): write a ban while
 * packets are counted on it, remove one that has run out, read the clock.
 */
#include <linux/bpf.h>
#include <pthread.h>

#include "harness.h"

#define PAYLOAD "EHLO x\r\n"

static int write_ban(struct lab *lab, const struct ban_request *rq)
{
	struct ban_request copy = *rq;

	return run_syscall(lab->skel->progs.ban_write, &copy, sizeof(copy));
}

static int expire(struct lab *lab, const struct addr *client)
{
	struct addr copy = *client;

	return run_syscall(lab->skel->progs.ban_expire, &copy, sizeof(copy));
}

static struct ban_request request(struct lab *lab, uint8_t host, int64_t lasts)
{
	struct clock_pair now = lab_clock(lab);

	return (struct ban_request){
		.client = address(false, 2, 0, host),
		.ban = { .expires = now.jiffies + lasts,
			 .since = now.boot_ns,
			 .packets = 1111, /* to be ignored */
			 .bytes = 2222,
			 .failures = 10 + host,
			 .code = 535,
			 .len = 128,
			 .flags = BAN_FORCED,
			 .reason = "a test" },
	};
}

static void drop_one(struct lab *lab, const struct addr *src)
{
	static struct frame frame;
	struct flow flow = { .src = *src,
			     .dst = address(false, 1, 0, 1),
			     .dport = 25 };

	frame_build(&frame, &shapes[0], &flow, false, 1, PAYLOAD,
		    strlen(PAYLOAD));
	assert_int_equal(run_bytes(lab->skel->progs.drop_ethernet, frame.data,
				   frame.len),
			 XDP_DROP);
}

/* The map has what was asked for, and these drops. */
static void check_ban(const struct lab *lab, const struct ban_request *rq,
		      uint64_t packets, uint64_t bytes)
{
	struct ban b, want = rq->ban;

	want.packets = packets;
	want.bytes = bytes;
	assert_true(ban_get(lab, &rq->client, &b));
	assert_memory_equal(&b, &want, sizeof(b));
}

static void test_insert(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_request rq = request(lab, 1, 100000);

	memset(rq.ban.reason, 'x', BAN_REASON_SIZE - 1);
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	drop_one(lab, &rq.client);
	assert_int_equal(map_count(lab->skel->maps.bans), 1);
}

static void test_rewrite(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_request rq = request(lab, 1, 100000);
	uint32_t len = 54 + strlen(PAYLOAD);

	assert_int_equal(write_ban(lab, &rq), 0);
	for (int i = 0; i < 7; i++)
		drop_one(lab, &rq.client);
	/* Longer, another reason: the drops remain. */
	rq = request(lab, 1, 500000);
	rq.ban.flags = 0;
	rq.ban.code = 538;
	rq.ban.failures = 99;
	rq.ban.len = 120;
	strcpy(rq.ban.reason, "another");
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 7, 7 * len);
	drop_one(lab, &rq.client);
	check_ban(lab, &rq, 8, 8 * len);
	/* Shorter works, too. */
	rq.ban.expires -= 490000;
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 8, 8 * len);
	/* It runs out; the next one starts with no drops. */
	rq.ban.expires = lab_clock(lab).jiffies;
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 8, 8 * len);
	rq = request(lab, 1, 100000);
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	assert_int_equal(map_count(lab->skel->maps.bans), 1);
}

static void test_full(void **state)
{
	struct ban_request rq;
	struct lab *lab;

	lab_of(state); /* or skip */
	lab = lab_open((struct lab_sizes){ .bans = 4 });
	for (int i = 0; i < 4; i++) {
		rq = request(lab, i, 1000);
		assert_int_equal(write_ban(lab, &rq), 0);
	}
	rq = request(lab, 4, 1000);
	assert_int_equal(write_ban(lab, &rq), -E2BIG);
	assert_int_equal(map_count(lab->skel->maps.bans), 4);
	rq = request(lab, 2, 7000); /* those that are there can be changed */
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	rq.ban.expires = 0;
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(expire(lab, &rq.client), 0);
	rq = request(lab, 4, 1000); /* and there is room again */
	assert_int_equal(write_ban(lab, &rq), 0);
	check_ban(lab, &rq, 0, 0);
	lab_close(lab);
}

static void test_expire(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_request rq = request(lab, 1, 100000);
	struct ban b;

	assert_int_equal(expire(lab, &rq.client), -ENOENT);
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(expire(lab, &rq.client), -EBUSY);
	assert_true(ban_get(lab, &rq.client, &b));
	rq.ban.expires = lab_clock(lab).jiffies;
	assert_int_equal(write_ban(lab, &rq), 0);
	assert_int_equal(expire(lab, &rq.client), 0);
	assert_false(ban_get(lab, &rq.client, &b));
	assert_int_equal(expire(lab, &rq.client), -ENOENT);
}

/* While one CPU drops, another rewrites: no drop is lost. */
static volatile bool rewriting;

static void *rewriter(void *arg)
{
	struct lab *lab = arg;
	int64_t lasts = 100000;

	while (rewriting) {
		struct ban_request rq = request(lab, 1, lasts++);

		assert_int_equal(write_ban(lab, &rq), 0);
	}
	return NULL;
}

static void test_rewrite_while_dropping(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban_request rq = request(lab, 1, 100000);
	pthread_t thread;
	struct ban b;

	assert_int_equal(write_ban(lab, &rq), 0);
	rewriting = true;
	assert_int_equal(pthread_create(&thread, NULL, rewriter, lab), 0);
	for (int i = 0; i < 50000; i++)
		drop_one(lab, &rq.client);
	rewriting = false;
	pthread_join(thread, NULL);
	assert_true(ban_get(lab, &rq.client, &b));
	assert_int_equal(b.packets, 50000);
	assert_int_equal(b.bytes, 50000 * (54 + strlen(PAYLOAD)));
}

/* CLOCK_BOOTTIME in ns, and jiffies at the rate that user space works out. */
static void test_clock(void **state)
{
	struct lab *lab = lab_of(state);
	struct timespec before, after, pause = { .tv_nsec = 200000000 };
	struct clock_pair a, b;
	uint64_t hz = fixture_hz(), ns, jiffies;

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
	jiffies = ns * hz / 1000000000;
	assert_in_range(b.jiffies - a.jiffies, jiffies - 2, jiffies + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_rewrite_while_dropping),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests_name("ban_write", tests, lab_setup,
					   lab_teardown);
}

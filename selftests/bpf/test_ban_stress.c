// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of bans while all of its users are at it at once: the sensor in
 * the kernel bans, commands ban and unban, the daemon sweeps, the gate looks.
 * The table is so small that everybody is in everybody's way. At each moment:
 * who is banned is dropped, who is not passes; and in the end nothing is lost.
 */
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>

#include "lib/harness.h"
#include "lib/replies.h"
#include "lib/talk.h"

#define SECONDS 3
#define BANS 96
#define THREADS_MAX 16

/* Each thread bans and unbans clients of its own; all look at these. */
#define ALWAYS 12 /* banned all the time, by everybody again and again */
#define NEVER 12
#define OWN 6 /* clients of a thread: THREADS_MAX of them must fit, too */

static struct {
	struct lab *lab;
	pthread_mutex_t lock; /* as the writers' lock is */
	bool over;
	uint64_t looks, bans, lifts, sweeps;
	char wrong[128]; /* the first that was; asserts belong to main() */
} stress;

struct worker {
	unsigned int n;
	uint64_t dice;
	struct talk talk;
	struct frame frame;
};

static uint32_t roll(struct worker *w, uint32_t n)
{
	w->dice ^= w->dice << 13;
	w->dice ^= w->dice >> 7;
	w->dice ^= w->dice << 17;
	return (w->dice >> 32) % n;
}

/* IPv4, an IPv6 network of 64 bits, or one whose key is hashed (0::/16). */
static struct addr who(unsigned int group, unsigned int n)
{
	struct addr a = address(n % 3 != 0, 10 + group, 0, n);

	if (n % 3) { /* each a /64 of its own */
		a.b[6] = group;
		a.b[7] = n;
	}
	if (n % 3 == 2)
		a.b[0] = a.b[1] = 0;
	return a;
}

static bool dropped(struct worker *w, const struct addr *src)
{
	bool v6 = !addr_is_v4(src);
	struct flow flow = { .src = *src,
			     .dst = address(v6, 1, 0, 1),
			     .dport = 25 };

	frame_build(&w->frame, &shapes[v6], &flow, false, 1, "x", 1);
	__atomic_fetch_add(&stress.looks, 1, __ATOMIC_RELAXED);
	return run_bytes(stress.lab->skel->progs.drop_ethernet, w->frame.data,
			 w->frame.len) == XDP_DROP;
}

static struct net net_of_client(const struct addr *a)
{
	return client_at(&stress.lab->pins, a);
}

/* By command, for so many jiffies. */
static void ban(const struct addr *a, uint64_t lasts)
{
	struct ban b = { .reason = "stress" };
	struct net net = net_of_client(a);

	pthread_mutex_lock(&stress.lock);
	b.expires = lab_clock(stress.lab).jiffies + lasts;
	assert_int_equal(banlist_put(&stress.lab->pins, &net, &b), 0);
	pthread_mutex_unlock(&stress.lock);
	__atomic_fetch_add(&stress.bans, 1, __ATOMIC_RELAXED);
}

static void lift(const struct addr *a)
{
	struct net net = net_of_client(a);

	pthread_mutex_lock(&stress.lock);
	assert_int_equal(banlist_del(&stress.lab->pins, &net), 0);
	pthread_mutex_unlock(&stress.lock);
	__atomic_fetch_add(&stress.lifts, 1, __ATOMIC_RELAXED);
}

/* By the sensor: the rate is one failure. */
static void fail_once(struct worker *w, const struct addr *a)
{
	static uint16_t port;
	struct flow *f = &w->talk.flow;

	talk_begin(&w->talk, stress.lab, !addr_is_v4(a), 1,
		   __atomic_add_fetch(&port, 1, __ATOMIC_RELAXED), 1000);
	f->dst = *a;
	say(&w->talk, "535 x\r\n");
	__atomic_fetch_add(&stress.bans, 1, __ATOMIC_RELAXED);
}

static void check(struct worker *w, const struct addr *a, bool banned,
		  const char *when)
{
	char text[ADDR_TEXT];

	if (dropped(w, a) == banned ||
	    __atomic_exchange_n(&stress.over, true, __ATOMIC_RELAXED))
		return;
	snprintf(stress.wrong, sizeof(stress.wrong), "%s, %s: %s",
		 addr_format(a, text), when,
		 banned ? "banned, but passed" : "not banned, but dropped");
}

/* What the daemon does every second. */
static int sweep_one(const struct ban_row *row, void *ctx)
{
	int err = banlist_expire(&stress.lab->pins, &row->net);

	assert_true(!err || err == -EBUSY || err == -ENOENT);
	return 0;
}

static void sweep(void)
{
	pthread_mutex_lock(&stress.lock);
	assert_int_equal(banlist_each_due(&stress.lab->pins,
					  lab_clock(stress.lab).jiffies, false,
					  sweep_one, NULL),
			 0);
	assert_int_equal(banlist_tidy(&stress.lab->pins), 0);
	pthread_mutex_unlock(&stress.lock);
	__atomic_fetch_add(&stress.sweeps, 1, __ATOMIC_RELAXED);
}

static void work(struct worker *w)
{
	struct addr a = who(2 + w->n, roll(w, OWN));

	switch (roll(w, 8)) {
	case 0:
	case 1:
		ban(&a, 100000);
		check(w, &a, true, "after the command");
		lift(&a);
		check(w, &a, false, "after it was lifted");
		break;
	case 2:
	case 3:
		fail_once(w, &a);
		check(w, &a, true, "after the failure");
		lift(&a);
		check(w, &a, false, "after it was lifted");
		break;
	case 4: /* runs out by itself; who comes next takes the place */
		ban(&a, 1);
		break;
	case 5:
		sweep();
		break;
	case 6: /* those that all renew at once stay banned */
		a = who(0, roll(w, ALWAYS));
		if (roll(w, 2)) {
			ban(&a, 100000 + roll(w, 1000));
		} else {
			struct net net = net_of_client(&a);

			clients_forget(&stress.lab->pins, &net);
			fail_once(w, &a);
		}
		check(w, &a, true, "renewed");
		break;
	}
	for (int i = 0; i < 4; i++) {
		a = who(0, roll(w, ALWAYS));
		check(w, &a, true, "always");
		a = who(1, roll(w, NEVER));
		check(w, &a, false, "never");
	}
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->n % sysconf(_SC_NPROCESSORS_ONLN), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	w->dice = 88172645463325252ULL + w->n * 7919;
	while (!__atomic_load_n(&stress.over, __ATOMIC_RELAXED))
		work(w);
	return NULL;
}

/* Each line knows how many went past it, and `used` how many there are. */
static void check_lines(const struct lab *lab)
{
	struct ban_head *h = lab->pins.bans.head;
	static uint32_t want[4096];

	assert_true(h->lines < ARRAY_SIZE(want));
	memset(want, 0, sizeof(want));
	for (uint32_t i = 1; i <= h->lines; i++) {
		for (int w = 0; w < BAN_WAYS; w++) {
			struct ban_client c = {};
			struct ban_view v;

			assert_int_not_equal(ban_line_at(h, i)->expires[w],
					     BAN_CLAIMED);
			if (!ban_map_view(h, i, w, &v))
				continue;
			c.addr = v.info.client;
			ban_client(h, &c);
			for (uint32_t d = 0;
			     ban_index_at(h->lines, c.home, d) != i; d++)
				want[ban_index_at(h->lines, c.home, d)]++;
		}
	}
	for (uint32_t i = 1; i <= h->lines; i++)
		assert_int_equal((ban_line_at(h, i)->count[0] & BAN_PASS_MASK) /
					 BAN_PASS,
				 want[i]);
}

static void test_stress(void **state)
{
	unsigned int n = 2 * sysconf(_SC_NPROCESSORS_ONLN) + 1, total;
	struct worker *workers;
	pthread_t thread[THREADS_MAX];
	struct lab *lab;

	lab_of(state); /* or skip */
	n = n < THREADS_MAX - 2 ? n : THREADS_MAX - 2;
	workers = calloc(n, sizeof(*workers));
	assert_non_null(workers);
	lab = lab_open((struct lab_sizes){ .bans = BANS });
	settings_rate(&lab->s, 1, 120);
	lab->s.brake.failures = 0;
	lab_apply(lab);
	stress.lab = lab;
	pthread_mutex_init(&stress.lock, NULL);
	for (int i = 0; i < ALWAYS; i++) {
		struct addr a = who(0, i);

		ban(&a, 100000);
	}
	for (unsigned int i = 0; i < n; i++) {
		workers[i].n = i;
		assert_int_equal(pthread_create(&thread[i], NULL, worker,
						&workers[i]),
				 0);
	}
	for (int i = 0; i < SECONDS * 100 && !stress.over; i++)
		usleep(10000);
	__atomic_store_n(&stress.over, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	printf("# %u threads: %llu looks, %llu bans, %llu lifted, %llu sweeps\n",
	       n, (unsigned long long)stress.looks,
	       (unsigned long long)stress.bans,
	       (unsigned long long)stress.lifts,
	       (unsigned long long)stress.sweeps);
	if (*stress.wrong)
		fail_msg("%s", stress.wrong);
	assert_true(stress.looks > 1000 && stress.bans > 100);
	total = bans_count(lab);
	assert_in_range(total, ALWAYS, ALWAYS + n * OWN);
	check_lines(lab);
	for (int i = 0; i < ALWAYS; i++) {
		struct addr a = who(0, i);

		check(&workers[0], &a, true, "in the end");
		lift(&a);
		check(&workers[0], &a, false, "all lifted");
	}
	assert_int_equal(bans_count(lab), total - ALWAYS);
	check_lines(lab);
	lab_close(lab);
	free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress),
	};

	return cmocka_run_group_tests_name("ban_stress", tests, lab_setup,
					   lab_teardown);
}

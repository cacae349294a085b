// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The self-test of `smtpxdp status` (user/show/self_test.h): it tells programs that
 * work from those that do not, and leaves no trace.
 */
#include <linux/bpf.h>

#include "maps/ban_nets.h"
#include "lib/harness.h"
#include "show/self_test.h"

static char why[256];

static struct pins open_pins(const struct lab *lab)
{
	struct pins p;

	assert_int_equal(pins_of(&p, lab->skel->obj), 0);
	return p;
}

static void allow(struct lab *lab, uint32_t v4, uint32_t len)
{
	struct net key = { .len = ADDR_V4_BITS + len };
	struct allow value = { ALLOW_CONFIG };

	key.addr[10] = key.addr[11] = 0xff;
	key.addr[12] = v4 >> 24;
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.allow_nets),
				    &key, &value, 0),
		0);
	lab->s.have_allow = 1;
	lab_apply(lab);
}

static void all_pass(struct lab *lab)
{
	struct pins p = open_pins(lab);

	for (int i = PROG_DROP_ETHERNET; i <= PROG_DROP_RAW; i++)
		if (self_test_gate(&p, i, why, sizeof(why)))
			fail_msg("%s: %s", prog_names[i], why);
	for (int i = PROG_DETECT_ETHERNET; i <= PROG_DETECT_RAW; i++)
		if (self_test_sensor(&p, i, why, sizeof(why)))
			fail_msg("%s: %s", prog_names[i], why);
	if (self_test_listen(&p, PROG_LISTEN, why, sizeof(why)))
		fail_msg("listen: %s", why);
	pins_close(&p);
}

static void no_trace(struct lab *lab, const char *what)
{
	counters_are(lab, what, NULL, 0);
	assert_int_equal(bans_count(lab), 0);
	assert_int_equal(map_count(lab->skel->maps.ban_nets), 0);
	assert_int_equal(map_count(lab->skel->maps.clients), 0);
	assert_int_equal(map_count(lab->skel->maps.streams), 0);
	assert_int_equal(map_count(lab->skel->maps.dialogues), 0);
	assert_int_equal(lab_events(lab), 0);
}

static void test_passes(void **state)
{
	struct lab *lab = lab_of(state);

	all_pass(lab);
	no_trace(lab, "once");
	all_pass(lab);
	no_trace(lab, "twice");
}

/* Whatever the settings: everybody allowlisted, one port, a /8 a client. */
static void test_settings(void **state)
{
	struct lab *lab = lab_of(state);

	memset(lab->s.ports, 0, sizeof(lab->s.ports));
	settings_port(&lab->s, 65535);
	settings_prefix(&lab->s, false, 8);
	lab->s.scope = SCOPE_ALL;
	lab->s.mode = MODE_MONITOR;
	lab_apply(lab);
	all_pass(lab);
	no_trace(lab, "other settings");
	allow(lab, 0, 0);
	all_pass(lab);
	no_trace(lab, "allowlisted");
}

static void refuses(struct pins *p, enum pinned_prog prog, const char *pattern)
{
	int err = prog <= PROG_DROP_RAW ?
			  self_test_gate(p, prog, why, sizeof(why)) :
		  prog == PROG_LISTEN ?
			  self_test_listen(p, prog, why, sizeof(why)) :
			  self_test_sensor(p, prog, why, sizeof(why));

	assert_true(err < 0);
	if (!strstr(why, pattern))
		fail_msg("%s: not '%s'", why, pattern);
}

/*
 * A gate and a sensor that look for their headers in the wrong place, and one
 * that reads the other side.
 */
static void test_broken(void **state)
{
	struct lab *lab = lab_of(state);
	struct pins p = open_pins(lab), q = p;

	q.prog[PROG_DROP_ETHERNET] = p.prog[PROG_DROP_RAW];
	refuses(&q, PROG_DROP_ETHERNET, "banned client was let through");
	q.prog[PROG_DETECT_ETHERNET] = p.prog[PROG_DETECT_RAW];
	refuses(&q, PROG_DETECT_ETHERNET, "not read");
	q.prog[PROG_LISTEN] = p.prog[PROG_DETECT_ETHERNET];
	refuses(&q, PROG_LISTEN, "login was not read");
	changes_free(&q.changes);
	pins_close(&p);
	assert_int_equal(bans_count(lab), 0);
	assert_int_equal(map_count(lab->skel->maps.streams), 0);
}

/* The gate was not told that there is an allowlist; or it is another's. */
static void test_allowlist_not_in_force(void **state)
{
	struct lab *lab = lab_of(state);
	struct pins p = open_pins(lab);

	allow(lab, 0, 0);
	lab->s.have_allow = 0;
	lab_apply(lab);
	refuses(&p, PROG_DROP_ETHERNET, "allowlisted client was dropped");
	pins_close(&p);
}

/* As many bans as there is room for: the next one is not written. */
static void test_full(void **state)
{
	struct lab *lab = lab_of(state);
	struct pins p = open_pins(lab);
	struct ban b = { .expires = lab_clock(lab).jiffies + (1 << 20) };
	int err = 0;

	for (uint32_t i = 0; !err && i <= MAP_SIZE; i++) {
		struct addr a = address(false, 7, i >> 8, i);
		struct net net = client_at(&p, &a);

		err = banlist_put(&p, &net, &b);
	}
	assert_int_equal(err, -E2BIG);
	assert_int_equal(self_test_gate(&p, PROG_DROP_ETHERNET, why,
					sizeof(why)),
			 -E2BIG);
	pins_close(&p);
}

/* A killed self-test's ban, and somebody's of everything. */
static void test_banned_before(void **state)
{
	struct lab *lab = lab_of(state);
	struct ban b = { .expires = lab_clock(lab).jiffies + (1 << 20),
			 .flags = BAN_TEST };
	struct addr client = { .d[2] = ADDR_V4_WORD };
	struct net any = { .len = ADDR_V4_BITS };

	client.b[15] = 1;
	ban_set(lab, &client, &b);
	all_pass(lab);
	no_trace(lab, "after a killed one");

	any.addr[10] = any.addr[11] = 0xff;
	b.flags = BAN_FORCED;
	assert_int_equal(ban_nets_put(&lab->pins, &any, &b), 0);
	lab->s.have_ban_nets = 1;
	lab_apply(lab);
	all_pass(lab);
	counters_are(lab, "all of IPv4 is banned", NULL, 0);
	assert_int_equal(map_count(lab->skel->maps.ban_nets), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_allowlist_not_in_force),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_banned_before),
	};

	return cmocka_run_group_tests_name("self_test", tests, lab_setup,
					   lab_teardown);
}

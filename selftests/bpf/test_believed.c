// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What no accepted socket sent changes nothing that counts. A test run has no
 * TCP socket: to the wire sensor its packets are forwarded, or sent raw.
 */
#include <stdlib.h>

#include "accepted_maps.h"
#include "lib/talk.h"

#define STEPS 100000
#define REFUSED "535 5.7.8 Error: authentication failed\r\n"
#define HELLO                                                                  \
	"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"                         \
	"0123456789abcdef0123456789abcdef"

static struct talk talk;

/* No server is named: what a test run gets has to be proved. */
static struct lab *strict(void **state)
{
	struct lab *lab = lab_of(state);

	lab->s.n_servers = 0;
	settings_rate(&lab->s, 3, 60);
	lab_apply(lab);
	map_clear(lab->skel->maps.tls_hellos);
	return lab;
}

/* A server in another network namespace accepts the connection. */
static void accept_elsewhere(struct talk *t)
{
	struct accepted_key key = { .client = t->flow.dst,
				    .client_port = htons(t->flow.dport),
				    .first_seq = t->seq };
	struct accepted_at at = { .port = t->flow.sport };

	assert_int_equal(
		bpf_map_update_elem(
			bpf_map__fd(t->lab->skel->maps.accepted_elsewhere),
			&key, &at, 0),
		0);
}

static uint32_t failures(const struct lab *lab)
{
	return counted(lab, COUNTER_FAILURE) +
	       counted(lab, COUNTER_FAILURE_BANNED);
}

static void nothing_counts(const struct lab *lab, const char *step)
{
	if (map_count(lab->skel->maps.clients) || bans_count(lab) ||
	    map_count(lab->skel->maps.regulars) ||
	    map_count(lab->skel->maps.nets) ||
	    map_count(lab->skel->maps.tls_hellos) || failures(lab) ||
	    counted(lab, COUNTER_SUCCESS))
		fail_msg("changed something: %s", step);
}

/* A server's greeting is read, and what follows it without a gap. */
static void test_accepted(void **state)
{
	struct lab *lab = strict(state);

	for (int v6 = 0; v6 < 2; v6++) {
		talk_begin(&talk, lab, v6, 7, 7, -20);
		accept_elsewhere(&talk);
		say(&talk, "220 mail ESMTP\r\n");
		say(&talk, REFUSED);
		assert_int_equal(failures(lab), 1 + v6 * 1);
		assert_int_equal(map_count(lab->skel->maps.accepted_elsewhere),
				 0);
		/* From somebody who does not know how far it is. */
		say_at(&talk, talk.seq + 1, REFUSED, strlen(REFUSED));
		say_at(&talk, talk.seq - 500, REFUSED, strlen(REFUSED));
		say_at(&talk, talk.seq + 0x10000000, REFUSED, strlen(REFUSED));
		assert_int_equal(failures(lab), 1 + v6 * 1);
	}
	assert_int_equal(counted(lab, COUNTER_OUT_UNPROVED), 4);
}

/* Another connection than the accepted one is not believed for it. */
static void test_not_accepted(void **state)
{
	struct lab *lab = strict(state);

	talk_begin(&talk, lab, false, 7, 7, 1000);
	accept_elsewhere(&talk);
	talk.seq++;
	say(&talk, REFUSED);
	talk.seq = 1000;
	talk.flow.dport++;
	say(&talk, REFUSED);
	talk.flow.dport--;
	talk.flow.dst.b[15]++;
	say(&talk, REFUSED);
	nothing_counts(lab, "another connection");
	assert_int_equal(map_count(lab->skel->maps.accepted_elsewhere), 1);
}

static void test_named(void **state)
{
	struct lab *lab = strict(state);

	talk_begin(&talk, lab, false, 7, 7, 1000);
	lab->s.n_servers = 1;
	lab->s.servers[0].addr = talk.flow.src;
	memset(&lab->s.servers[0].mask, 0xff, sizeof(struct addr));
	lab_apply(lab);
	say(&talk, REFUSED);
	assert_int_equal(failures(lab), 1);
	talk.flow.src.b[15]++;
	say(&talk, REFUSED);
	assert_int_equal(failures(lab), 1);
}

/* Is the last doubt noted of what looks like a reply, and of nothing else? */
static void test_doubts(void **state)
{
	struct lab *lab = strict(state);
	int map = bpf_map__fd(lab->skel->maps.doubts);
	const struct doubted none = {};
	struct doubted d;
	uint32_t key = DOUBT_FORWARDED;

	assert_int_equal(bpf_map_update_elem(map, &key, &none, 0), 0);
	talk_begin(&talk, lab, false, 7, 7, 1000);
	say(&talk, "GET / HTTP/1.1\r\n");
	assert_int_equal(bpf_map_lookup_elem(map, &key, &d), 0);
	assert_int_equal(d.when, 0);
	say(&talk, "220 mail ESMTP\r\n");
	assert_int_equal(bpf_map_lookup_elem(map, &key, &d), 0);
	assert_true(d.when);
	assert_int_equal(d.port, talk.flow.sport);
	assert_memory_equal(&d.server, &talk.flow.src, sizeof(d.server));
}

/*
 * Random packets between few hosts, which have connections that are accepted:
 * the packets do not know their numbers.
 */
static void test_random(void **state)
{
	static const char *const texts[] = {
		REFUSED,
		REFUSED REFUSED REFUSED,
		"235 2.7.0 Authentication successful\r\n",
		"220 mail ESMTP\r\n",
		"535",
		" 5.7.8 no\r\n",
		HELLO,
	};
	static const struct shape shape[] = {
		{},
		{ .flags = TCP_SYN },
		{ .flags = TCP_SYN | TCP_ACK },
		{ .flags = 1 | TCP_ACK }, /* FIN */
		{ .flags = 4 }, /* RST */
	};
	struct lab *lab = strict(state);

	for (int i = 0; i < STEPS; i++) {
		const struct shape *s =
			&shape[dice(4) ? 0 : dice(ARRAY_SIZE(shape))];
		const char *text = texts[dice(ARRAY_SIZE(texts))];

		if (i % 100 == 0) {
			talk_begin(&talk, lab, false, dice(4), 40000 + dice(4),
				   dice_roll());
			accept_elsewhere(&talk);
			if (dice(2))
				say(&talk, "220 mail ESMTP\r\n");
		}
		talk.flow.src = address(false, 1, 0, 1 + dice(2));
		talk.flow.dst = address(false, 2, 0, dice(4));
		talk.flow.sport = dice(2) ? 25 : 2525;
		talk.flow.dport = 40000 + dice(4);
		frame_build(&talk.frame, s, &talk.flow, false, dice_roll(),
			    text, strlen(text));
		run_bytes(lab->skel->progs.detect_ethernet, talk.frame.data,
			  talk.frame.len);
	}
	nothing_counts(lab, "random packets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_not_accepted),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("believed", tests, lab_setup,
					   lab_teardown);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor over whole connections: replies in any number of segments,
 * sent once or again, lost, reordered with an old connection's, or encrypted.
 */
#include "lib/replies.h"
#include "lib/talk.h"

#define REPLY "535 5.7.8 Error: authentication failed: x\r\n"

static struct talk talk;
static uint16_t next_port;

/* A connection of its own, of a client of its own. */
static struct talk *begin(struct lab *lab, uint32_t seq)
{
	next_port++;
	talk_begin(&talk, lab, next_port & 1, next_port, next_port, seq);
	return &talk;
}

static uint64_t failures(const struct lab *lab)
{
	return counted(lab, COUNTER_FAILURE);
}

#define expect_failures(lab, n, ...)                                           \
	do {                                                                   \
		uint64_t got_ = failures(lab);                                 \
		if (got_ != (n)) {                                             \
			fprintf(stderr, __VA_ARGS__);                          \
			fail_msg(": %llu failures, not %llu",                  \
				 (unsigned long long)got_,                     \
				 (unsigned long long)(n));                     \
		}                                                              \
		counters_clear(lab);                                           \
	} while (0)

/* What counts in a row of the tables in replies.h, without texts. */
static uint64_t count_of(const struct row *row)
{
	uint64_t n = 0;

	for (const char *c = row->heard; *c; c++)
		n += *c == 'c' || *c == 't';
	return n;
}

/* Every reply of every server, in two segments cut at every byte. */
static void test_every_split(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		const struct row *r = &servers[i];

		for (size_t cut = 0; cut < r->len; cut++) {
			struct talk *t = begin(lab, 1000);

			if (cut)
				say_bytes(t, r->stream, cut);
			expect_failures(lab, 0ULL, "%zu of %s", cut, r->stream);
			say_bytes(t, r->stream + cut, r->len - cut);
			expect_failures(lab, count_of(r), "%s cut at %zu",
					r->stream, cut);
		}
	}
}

static void test_tiny_segments(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		const struct row *r = &servers[i];

		for (size_t piece = 1; piece <= 9; piece++) {
			struct talk *t = begin(lab, -5); /* over 2^32 */

			say(t, "220 mx.example ESMTP\r\n");
			for (size_t at = 0; at < r->len; at += piece)
				say_bytes(t, r->stream + at,
					  r->len - at < piece ? r->len - at :
								piece);
			expect_failures(lab, count_of(r), "%s by %zu",
					r->stream, piece);
		}
	}
}

static void test_pipelined(void **state)
{
	struct lab *lab = lab_of(state);
	char all[4096] = "";

	lab->s.policy[POLICY_PLAIN].rate.failures = RATE_MAX;
	lab_apply(lab);
	for (unsigned int n = 1; n <= 60; n++) {
		strcat(all, "535 5.7.8 Error: failed\r\n");
		say(begin(lab, 1), all);
		expect_failures(lab, (uint64_t)n, "%u replies at once", n);
	}
	say(begin(lab, 1), "250 ok\r\n" REPLY "334 VXNlcg==\r\n" REPLY);
	expect_failures(lab, 2ULL, "batched with others");
}

/* The payload as long as a test run takes it; more: test_detect_wire.c. */
static void test_long_segment(void **state)
{
	struct lab *lab = lab_of(state);
	static char all[3600];
	struct talk *t;

	for (size_t line = 1; line < sizeof(all); line += line < 10 ? 1 : 97) {
		memset(all, '\n', sizeof(all));
		for (size_t at = 0; at + line < sizeof(all); at += line + 1)
			memset(all + at, 'x', line);
		memcpy(all + sizeof(all) - 7, "\n535 x\n", 7);
		t = begin(lab, 1);
		say_bytes(t, all, sizeof(all));
		expect_failures(lab, 1ULL, "behind lines of %zu bytes", line);
	}
}

/* Sent again: whole, in other pieces, with something new behind it. */
static void test_retransmission(void **state)
{
	static const uint32_t seqs[] = { 1,	     1000000,	 0x7ffffff0,
					 0x80000000, 0xfffffff0, 0xffffffff };
	struct lab *lab = lab_of(state);
	uint32_t len = strlen(REPLY);

	for (size_t i = 0; i < ARRAY_SIZE(seqs); i++) {
		uint32_t seq = seqs[i];
		struct talk *t = begin(lab, seq);

		say(t, REPLY);
		expect_failures(lab, 1ULL, "the first time, at %u", seq);
		for (uint32_t from = 0; from < len; from++) {
			for (uint32_t to = from + 1; to <= len; to++)
				say_at(t, seq + from, REPLY + from, to - from);
		}
		assert_int_equal(counted(lab, COUNTER_RETRANSMIT),
				 len * (len + 1) / 2);
		expect_failures(lab, 0ULL, "again, at %u", seq);
		/* From anywhere in the old to anywhere in the new. */
		for (uint32_t back = 1; back <= len; back++) {
			for (uint32_t more = 1; more <= len; more++) {
				t = begin(lab, seq);
				say(t, REPLY);
				say_at(t, seq + len - back,
				       &(REPLY REPLY)[len - back], back + more);
				expect_failures(lab, 1ULL + (more == len),
						"%u old, %u new, at %u", back,
						more, seq);
				if (more == len)
					continue;
				say_at(t, seq + len + more, REPLY + more,
				       len - more);
				expect_failures(lab, 1ULL, "the rest of it");
			}
		}
	}
}

/*
 * A reply that doesn't count is sent again from its middle, where a client
 * made the server repeat what he had said: that is no reply, and not TLS.
 */
static void test_retransmission_within_line(void **state)
{
	static const char echo[] = "500 unknown: 535 x\r\n";
	static const char fake_tls[] = "500 unknown: \x17\x03\x03\r\n";
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab, 1000);

	say(t, echo);
	say_at(t, 1000 + 13, echo + 13, strlen(echo) - 13);
	expect_failures(lab, 0ULL, "the end of a line, sent again");
	t = begin(lab, 1000);
	say(t, fake_tls);
	say_at(t, 1000 + 13, fake_tls + 13, strlen(fake_tls) - 13);
	say(t, REPLY);
	expect_failures(lab, 1ULL, "after what looked like TLS");
}

/*
 * A server's whole session under a client that has segments cut and sent again
 * at will: whatever the order, each failure counts once.
 */
static void test_random_resegmentation(void **state)
{
	struct lab *lab = lab_of(state);
	static char all[4000];

	for (int round = 0; round < 3000; round++) {
		uint32_t start = dice(2) ? -dice(2000) : dice(1U << 31);
		struct talk *t = begin(lab, start);
		uint32_t sent = 0, len = 0;
		uint64_t want = 0;

		for (int i = dice_range(1, 30); i > 0; i--) {
			const struct row *r =
				&servers[dice(ARRAY_SIZE(servers))];

			memcpy(all + len, r->stream, r->len);
			len += r->len;
			want += count_of(r);
		}
		lab->s.policy[POLICY_PLAIN].rate.failures = RATE_MAX;
		lab_apply(lab);
		while (sent < len) {
			uint32_t from = dice(3) ? sent : dice(sent + 1), n;

			n = dice_range(1, dice(2) ? 20 : 300);
			if (n > len - from)
				n = len - from;
			say_at(t, start + from, all + from, n);
			if (from + n > sent)
				sent = from + n;
		}
		expect_failures(lab, want, "round %d", round);
	}
}

/* The same ports again, with numbers below the old connection's. */
static void test_reused_ports(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab, 3000000);

	say(t, REPLY);
	say(t, "535 unfini");
	expect_failures(lab, 1ULL, "first connection");
	say_hello(t, 1000);
	say(t, REPLY);
	expect_failures(lab, 1ULL, "second connection");
	say_hello(t, 1000);
	say(t, REPLY);
	expect_failures(lab, 0ULL, "the SYN-ACK sent again, and the reply");
	say(t, "\x16\x03\x03");
	say_hello(t, 500);
	say(t, REPLY);
	expect_failures(lab, 1ULL, "fourth, after TLS");
}

/* Bytes that were never seen: whatever was unfinished is not continued. */
static void test_gap(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab, 1000);

	say(t, "535 5.7");
	t->seq += 3;
	say(t, "8 failed\r\n");
	assert_int_equal(counted(lab, COUNTER_STREAM_GAP), 1);
	expect_failures(lab, 0ULL, "pieces with a gap in between");
	say(t, REPLY);
	expect_failures(lab, 1ULL, "the next reply");
	t->seq += 100;
	say(t, REPLY);
	assert_int_equal(counted(lab, COUNTER_STREAM_GAP), 1);
	expect_failures(lab, 1ULL, "a reply right behind a gap");
	say_at(t, t->seq - strlen(REPLY) - 50, REPLY, 40);
	assert_int_equal(counted(lab, COUNTER_RETRANSMIT), 1);
	expect_failures(lab, 0ULL, "from the gap, late");
}

static void test_encrypted(void **state)
{
	static const char inside[] = "\r\n535 5.7.8 x\r\n";
	struct lab *lab = lab_of(state);

	for (int type = 0x14; type <= 0x18; type++) {
		for (int plain = 0; plain < 3; plain++) {
			uint8_t record[] = { type, 3,	3,   0,	   80,	'\n',
					     '5',  '3', '5', '\r', '\n' };
			struct talk *t = begin(lab, 1000);
			size_t first = plain ? 1 + dice(10) : sizeof(record);

			if (plain == 1)
				say(t, "220 2.0.0 Ready to start TLS\r\n");
			if (plain == 2)
				say(t, REPLY);
			counters_clear(lab);
			say_bytes(t, record, first);
			say_bytes(t, record + first, sizeof(record) - first);
			say(t, inside);
			say_at(t, t->seq - strlen(inside), inside,
			       strlen(inside));
			t->seq += 1000; /* lost, or sent by another device */
			say(t, inside);
			assert_int_equal(counted(lab, COUNTER_ENCRYPTED),
					 first < sizeof(record) ? 5 : 4);
			expect_failures(lab, 0ULL, "TLS type %#x", type);
		}
	}
}

/* One entry a connection, from its first byte until the next handshake. */
static void test_streams_kept(void **state)
{
	struct lab *lab = lab_of(state);
	const struct bpf_map *streams = lab->skel->maps.streams;
	struct talk *t = begin(lab, 1000);

	assert_int_equal(map_count(streams), 0);
	say(t, "220 mx.example\r\n");
	assert_int_equal(map_count(streams), 1);
	say(t, REPLY);
	say(t, "\x16\x03\x03");
	assert_int_equal(map_count(streams), 1);
	say_hello(t, 2000);
	assert_int_equal(map_count(streams), 0);
}

/* Two connections that differ in one thing only do not disturb each other. */
static void test_streams_apart(void **state)
{
	struct lab *lab = lab_of(state);
	static struct talk a, b;

	for (int differ = 0; differ < 4; differ++) {
		talk_begin(&a, lab, differ & 1, 9, 9, 1000);
		b = a;
		switch (differ) {
		case 0:
			b.flow.dport ^= 1;
			break;
		case 1:
			b.flow.sport = 587;
			break;
		case 2:
			b.flow.src.b[15] ^= 1;
			break;
		case 3:
			b.flow.dst.b[15] ^= 1;
			break;
		}
		for (size_t i = 0; i < strlen(REPLY); i++) {
			say_bytes(&a, REPLY + i, 1);
			say_bytes(&b, REPLY + i, 1);
		}
		expect_failures(lab, 2ULL, "two that differ in %d", differ);
		map_clear(lab->skel->maps.streams);
	}
}

static void test_texts(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t;

	settings_text(&lab->s, POSTFIX_BACKEND, ACTION_IGNORE);
	settings_text(&lab->s, "454 4.7.0 Bad", ACTION_COUNT);
	lab_apply(lab);
	t = begin(lab, 1000);
	say(t, POSTFIX_BACKEND "\r\n" REPLY "454 4.7.0 Bad\r\n235 ok\r\n");
	counters_only(lab, "texts", { COUNTER_FAILURE, 2, 0 },
		      { COUNTER_TEXT_IGNORED, 1, 0 },
		      { COUNTER_SUCCESS, 1, 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_tiny_segments),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_long_segment),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_retransmission_within_line),
		cmocka_unit_test(test_random_resegmentation),
		cmocka_unit_test(test_reused_ports),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_encrypted),
		cmocka_unit_test(test_streams_kept),
		cmocka_unit_test(test_streams_apart),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("detect streams", tests, lab_setup,
					   lab_teardown);
}

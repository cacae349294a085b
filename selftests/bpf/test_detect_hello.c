// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor on TLS streams: whose ServerHello has which random, however
 * the client has it come.
 */
#include "lib/talk.h"
#include "tls.h"

#define CCS "\x14\x03\x03\x00\x01\x01"
#define ALERT "\x15\x03\x03\x00\x02\x02\x28"
#define DATA                                                                   \
	"\x17\x03\x03\x00\x10"                                                 \
	"0123456789abcdef"
#define RETRY                                                                  \
	"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"     \
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

static struct talk talk;
static uint16_t next_port;

struct bytes {
	uint8_t b[1024];
	uint32_t len;
};

static struct talk *begin(struct lab *lab)
{
	next_port++;
	talk_begin(&talk, lab, next_port & 1, next_port, next_port, -20);
	return &talk;
}

static void add(struct bytes *to, const void *bytes, uint32_t len)
{
	memcpy(to->b + to->len, bytes, len);
	to->len += len;
}

#define ADD(to, literal) add(to, literal, sizeof(literal) - 1)

/* A record with a ServerHello (RFC 8446, 4.1.3), and more behind its random. */
static void add_hello(struct bytes *to, const void *random)
{
	ADD(to, "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03");
	add(to, random, 32);
	memset(to->b + to->len, 0x16, 0x7a - 38);
	to->len += 0x7a - 38;
}

static void new_random(uint8_t *random)
{
	for (int i = 0; i < 32; i++)
		random[i] = dice(256);
}

static bool known(const struct lab *lab, const uint8_t *random,
		  struct tls_hello *h)
{
	return !bpf_map_lookup_elem(bpf_map__fd(lab->skel->maps.tls_hellos),
				    random, h);
}

static void expect_known(const struct talk *t, const uint8_t *random)
{
	struct tls_hello h;

	if (!known(t->lab, random, &h))
		fail_msg("not known");
	assert_memory_equal(&h.client, &t->flow.dst, sizeof(h.client));
	assert_int_equal(h.port, 25);
}

static void expect_unknown(const struct talk *t, const uint8_t *random)
{
	struct tls_hello h;

	assert_false(known(t->lab, random, &h));
}

/* What the server says from its first TLS record on, in this many bytes each.
 */
static void say_pieces(struct talk *t, const struct bytes *b, uint32_t piece)
{
	for (uint32_t at = 0; at < b->len; at += piece)
		say_bytes(t, b->b + at,
			  b->len - at < piece ? b->len - at : piece);
}

static void test_any_pieces(void **state)
{
	struct lab *lab = lab_of(state);

	for (uint32_t piece = 1; piece <= 300; piece++) {
		for (int retry = 0; retry < 2; retry++) {
			struct talk *t = begin(lab);
			struct bytes b = {};
			uint8_t random[32];

			new_random(random);
			if (retry) {
				add_hello(&b, RETRY);
				ADD(&b, CCS);
			}
			add_hello(&b, random);
			ADD(&b, CCS DATA);
			say(t, "220 2.0.0 Ready to start TLS\r\n");
			say_pieces(t, &b, piece);
			expect_known(t, random);
		}
	}
	expect_unknown(&talk, (const uint8_t *)RETRY);
}

/* A reply and the record in one segment, each byte of it sent twice. */
static void test_behind_a_reply(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab);
	struct bytes b = {};
	uint8_t random[32];

	new_random(random);
	ADD(&b, "220 ready\r\n");
	add_hello(&b, random);
	for (uint32_t at = 0; at < 60; at += 7) {
		say_at(t, t->seq + at, b.b + at, 7);
		say_at(t, t->seq, b.b, at + 7);
	}
	expect_known(t, random);
}

static void test_not_a_server_hello(void **state)
{
	struct lab *lab = lab_of(state);
	struct bytes b[5] = {};
	uint8_t random[32];

	new_random(random);
	ADD(&b[0], ALERT);
	ADD(&b[1], DATA);
	ADD(&b[2], "\x16\x03\x03\x00\x04\x0e\x00\x00\x00"); /* too short */
	add_hello(&b[3], random);
	b[3].b[5] = 4; /* a ticket */
	for (int i = 0; i < 100; i++)
		ADD(&b[4], CCS);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++) {
		struct talk *t = begin(lab);

		add_hello(&b[i], random);
		say_pieces(t, &b[i], sizeof(b[i].b));
		expect_unknown(t, random);
	}
}

static void test_gap(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab);
	struct bytes b = {};
	uint8_t random[32];

	new_random(random);
	add_hello(&b, random);
	say_bytes(t, b.b, 20);
	t->seq += 1; /* went by unseen */
	say_bytes(t, b.b + 20, b.len - 20);
	expect_unknown(t, random);
}

/* A port that is used again: the stream's first ServerHello is the new one. */
static void test_next_connection(void **state)
{
	struct lab *lab = lab_of(state);
	struct talk *t = begin(lab);
	uint8_t random[2][32];

	for (int i = 0; i < 2; i++) {
		struct bytes b = {};

		new_random(random[i]);
		add_hello(&b, random[i]);
		say_hello(t, 77 + i);
		say_pieces(t, &b, b.len);
		expect_known(t, random[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_behind_a_reply),
		cmocka_unit_test(test_not_a_server_hello),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_next_connection),
	};

	return cmocka_run_group_tests_name("detect ServerHello", tests,
					   lab_setup, lab_teardown);
}

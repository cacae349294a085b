// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who was tried, on the wire: both halves of the sensor on segments as they
 * come, and as they should not come.
 */
#include "dialogue.h"
#include "lib/talk.h"
#include "pure/sasl.h"

#define PASSWORD "tr0ub4dor&3-horse-staple"
/* base64 of "\0Bob@example.org\0" PASSWORD, and of parts of it */
#define BOB_PLAIN "AEJvYkBleGFtcGxlLm9yZwB0cjB1YjRkb3ImMy1ob3JzZS1zdGFwbGU="
#define BOB "Qm9iQGV4YW1wbGUub3Jn"
#define BOB_PASSWORD "dHIwdWI0ZG9yJjMtaG9yc2Utc3RhcGxl"
#define FAILS "535 5.7.8 Error: authentication failed\r\n"
#define AUTH_A "AUTH PLAIN AGEAcA==\r\n"
#define AUTH_B "AUTH PLAIN AGIAcA==\r\n"
#define TCP_URG 0x20
#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */

/* One connection: what the server says, and the client. */
struct both {
	struct talk t;
	uint32_t seq; /* of the client's next byte */
};

static void client_says_in(struct both *b, const struct shape *s, uint32_t seq,
			   const char *text, uint32_t len)
{
	struct flow flow = { .src = b->t.flow.dst,
			     .dst = b->t.flow.src,
			     .sport = b->t.flow.dport,
			     .dport = b->t.flow.sport };

	frame_build(&b->t.frame, s, &flow, false, seq, text, len);
	assert_int_equal(run_bytes(b->t.lab->skel->progs.listen,
				   b->t.frame.data, b->t.frame.len),
			 UNSPEC);
}

static void client_says_at(struct both *b, uint32_t seq, const char *text,
			   uint32_t len)
{
	client_says_in(b, &shapes[!addr_is_v4(&b->t.flow.src)], seq, text, len);
}

static void client_says(struct both *b, const char *text)
{
	client_says_at(b, b->seq, text, strlen(text));
	b->seq += strlen(text);
}

static void connect_to(struct both *b, struct lab *lab, bool v6)
{
	static uint16_t port = 1024;

	talk_begin(&b->t, lab, v6, 1, port++, 5000);
	b->seq = CLIENT_SEQ;
}

/* The same with a greeting, each failure told, and the name. */
static struct lab *begin(void **state, struct both *b)
{
	struct lab *lab = lab_of(state);

	lab->s.log_failures = lab->s.log_users = 1;
	settings_rate(&lab->s, 64, 120);
	lab_apply(lab);
	connect_to(b, lab, false);
	say(&b->t, "220 mail.example.org ESMTP\r\n");
	return lab;
}

/* The events so far name these users, "" where it is not known. */
static void tried(struct lab *lab, const char *const *names, unsigned int n)
{
	assert_int_equal(lab_events(lab), n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(lab->event[i].user_len, strlen(names[i]));
		assert_memory_equal(lab->event[i].user, names[i],
				    strlen(names[i]));
	}
}

#define TRIED(lab, ...)                                                        \
	do {                                                                   \
		static const char *const names_[] = { __VA_ARGS__ };           \
		tried(lab, names_, ARRAY_SIZE(names_));                        \
	} while (0)

static void test_names(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);

	client_says(&b, "EHLO x\r\n");
	say(&b.t, "250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n");
	client_says(&b, "AUTH PLAIN " BOB_PLAIN "\r\n");
	say(&b.t, FAILS);
	client_says(&b, "AUTH LOGIN\r\n");
	say(&b.t, "334 VXNlcm5hbWU6\r\n");
	client_says(&b, BOB "\r\n");
	say(&b.t, "334 UGFzc3dvcmQ6\r\n");
	client_says(&b, BOB_PASSWORD "\r\n");
	say(&b.t, FAILS);
	client_says(&b, AUTH_A "NOOP\r\n" AUTH_B AUTH_A);
	say(&b.t, FAILS "250 ok\r\n" FAILS);
	say(&b.t, FAILS);
	client_says(&b, "AUTH CRAM-MD5\r\n");
	say(&b.t, "334 PDE+\r\n");
	client_says(&b, BOB "\r\n");
	say(&b.t, FAILS);
	TRIED(lab, "Bob@example.org", "Bob@example.org", "a", "b", "a", "");
}

/* Both families, and a name that is known by its hash only. */
static void test_hash_only(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);
	struct client c;

	lab->s.log_users = 0;
	lab_apply(lab);
	for (int v6 = 0; v6 < 2; v6++) {
		struct addr key;

		connect_to(&b, lab, v6);
		say(&b.t, "220 x\r\n");
		client_says(&b, AUTH_A AUTH_B "AUTH PLAIN AEEAcA==\r\n");
		say(&b.t, FAILS FAILS FAILS);
		key = b.t.flow.dst;
		if (v6)
			key.q[1] = 0;
		assert_true(client_get(lab, &key, &c));
		assert_true(c.users[0] && c.users[1] && !c.users[2]);
	}
	TRIED(lab, "", "", "", "", "", "");
}

/* The only dialogue that there is. */
static struct wire_dialogue dialogue_of(struct lab *lab)
{
	int fd = bpf_map__fd(lab->skel->maps.dialogues);
	struct wire_dialogue w = {};
	struct stream_key key;

	assert_int_equal(bpf_map_get_next_key(fd, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &w), 0);
	return w;
}

/*
 * A line that the server's TCP refuses, then the true one in a shape that is not
 * read, or a byte taken out of it by an urgent pointer: nobody is named.
 */
static void test_hidden(void **state)
{
	static const struct shape ways[] = {
		{ .name = "IPv4 options", .ihl = 6 },
		{ .name = "a first fragment", .frag = 0x2000 },
		{ .name = "an extension header", .v6 = true, .ext = "d" },
		{ .name = "a first fragment", .v6 = true, .ext = "hf" },
		{ .name = "more of them than the gate follows",
		  .v6 = true,
		  .ext = "dddddddddddddddd" },
	};
	static const struct shape urgent = { .flags = TCP_ACK | TCP_URG };
	struct both b;
	struct lab *lab = begin(state, &b);

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		connect_to(&b, lab, ways[i].v6);
		say(&b.t, "220 x\r\n");
		client_says(&b, AUTH_A);
		client_says_in(&b, &ways[i], CLIENT_SEQ, AUTH_B,
			       strlen(AUTH_B));
		say(&b.t, FAILS);
		assert_int_equal(lab_events(lab), i + 1);
		if (lab->event[i].user_len)
			fail_msg("%s: names somebody", ways[i].name);
	}
	lab->n_events = 0;
	connect_to(&b, lab, false);
	say(&b.t, "220 x\r\n");
	client_says_in(&b, &urgent, b.seq, "", 0);
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);
	TRIED(lab, "");
}

/* A challenge that was not waited for swallows no AUTH that follows. */
static void test_early_response(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);

	client_says(&b, "AUTH PLAIN\r\nAGEAcA==\r\n");
	say(&b.t, "334 \r\n" FAILS);
	client_says(&b, AUTH_A AUTH_B);
	assert_int_equal(dialogue_of(lab).d.n, 3);
	TRIED(lab, "");
}

/* What is read, and no more: the rest counts as ever, and names nobody. */
static void test_bounds(void **state)
{
	char text[SASL_READ + 64] = "AUTH PLAIN ";
	struct both b;
	struct lab *lab = begin(state, &b);

	/* before the greeting, AUTHs are counted only */
	map_clear(lab->skel->maps.dialogues);
	connect_to(&b, lab, false);
	client_says(&b, AUTH_A);
	say(&b.t, "220 x\r\n" FAILS);
	assert_int_equal(dialogue_of(lab).d.n, 1);
	/* a name that never ends; the next line is read again */
	map_clear(lab->skel->maps.dialogues);
	connect_to(&b, lab, false);
	say(&b.t, "220 x\r\n");
	memset(text + strlen(text), 'A', sizeof(text) - strlen(text) - 3);
	strcpy(text + sizeof(text) - 3, "\r\n");
	client_says(&b, text);
	client_says(&b, AUTH_B);
	say(&b.t, FAILS FAILS);
	/* spaces that never end: taken for an AUTH */
	memset(text + 4, ' ', sizeof(text) - 4 - 3);
	client_says(&b, text);
	client_says(&b, AUTH_B);
	assert_int_equal(dialogue_of(lab).d.n, 4);
	say(&b.t, FAILS FAILS);
	TRIED(lab, "", "", "b", "", "b");
	/* a client that is not answered for very long */
	memset(text, 'x', sizeof(text) - 3);
	for (uint32_t n = 0; n <= QUIET_BYTES; n += strlen(text)) {
		assert_false(dialogue_of(lab).lost);
		client_says(&b, text);
	}
	assert_true(dialogue_of(lab).lost);
}

static void test_off(void **state)
{
	struct lab *lab = lab_of(state);
	struct both b;

	lab->s.users = USERS_OFF;
	lab->s.unanswered = 0;
	lab->s.log_failures = lab->s.log_users = 1;
	lab_apply(lab);
	connect_to(&b, lab, false);
	assert_int_equal(map_count(lab->skel->maps.dialogues), 0);
	say(&b.t, "220 x\r\n");
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);
	TRIED(lab, "");
}

/* Each segment of the client's, and each of the server's, cut everywhere. */
static void test_cuts(void **state)
{
	static const struct {
		const char *client, *server;
	} said[] = {
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ BOB "\r\n", "334 UGFzc3dvcmQ6\r\n" },
		{ BOB_PASSWORD "\r\n", FAILS },
		{ "AUTH PLAIN " BOB_PLAIN "\r\n", FAILS },
	};
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		for (size_t at = 1; at < strlen(said[i].client); at++) {
			struct both b;

			lab_reset(lab);
			lab->s.log_failures = lab->s.log_users = 1;
			lab_apply(lab);
			connect_to(&b, lab, false);
			say(&b.t, "220 x\r\n");
			for (size_t j = 0; j < ARRAY_SIZE(said); j++) {
				const char *c = said[j].client;
				const char *s = said[j].server;
				size_t n = i == j ? at : strlen(c);
				size_t m = i == j ? at % strlen(s) : 0;

				client_says_at(&b, b.seq, c, n);
				b.seq += n;
				client_says(&b, c + n);
				say_bytes(&b.t, s, m);
				say(&b.t, s + m);
			}
			TRIED(lab, "Bob@example.org", "Bob@example.org");
		}
	}
}

/* What the server may not have taken as we saw it, says nothing. */
static void test_disorder(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);

	client_says(&b, AUTH_A);
	client_says_at(&b, CLIENT_SEQ, AUTH_B, strlen(AUTH_B));
	say(&b.t, FAILS);
	client_says(&b, AUTH_B); /* and it stays so */
	say(&b.t, FAILS);

	connect_to(&b, lab, false); /* a gap */
	say(&b.t, "220 x\r\n");
	b.seq++;
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);

	connect_to(&b, lab, false); /* a gap in what the server says */
	say(&b.t, "220 x\r\n");
	client_says(&b, AUTH_A AUTH_B);
	b.t.seq += strlen(FAILS);
	say(&b.t, FAILS);

	connect_to(&b, lab, false); /* its retransmission is none */
	say(&b.t, "220 x\r\n");
	say_at(&b.t, b.t.seq - strlen("220 x\r\n"), "220 x\r\n", 7);
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);
	say_at(&b.t, b.t.seq - strlen(FAILS), FAILS, strlen(FAILS));
	TRIED(lab, "", "", "", "", "a");
}

/* Of a connection whose beginning was not seen, or is forgotten, nothing. */
static void test_beginning(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);

	map_clear(lab->skel->maps.dialogues);
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);

	connect_to(&b, lab, false);
	say(&b.t, "220 x\r\n");
	map_clear(lab->skel->maps.streams);
	client_says(&b, AUTH_A);
	say(&b.t, FAILS);
	client_says(&b, AUTH_B);
	say(&b.t, FAILS);
	TRIED(lab, "", "", "");
}

/* A message is passed over; who is tried behind it is not known. */
static void test_message(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);

	client_says(&b, "MAIL FROM:<>\r\nRCPT TO:<x@y>\r\nDATA\r\n");
	say(&b.t, "250 ok\r\n250 ok\r\n");
	say(&b.t, "354 go\r\n");
	client_says(&b, AUTH_A ".\r\n");
	say(&b.t, "250 ok\r\n");
	client_says(&b, AUTH_B);
	say(&b.t, FAILS);
	TRIED(lab, "");
}

/* As soon as nobody can log in any more, there is nothing to read. */
static void test_forgotten(void **state)
{
	struct both b;
	struct lab *lab = begin(state, &b);
	const struct bpf_map *map = lab->skel->maps.dialogues;

	assert_int_equal(map_count(map), 1);
	client_says(&b, AUTH_A);
	say(&b.t, "235 welcome\r\n");
	assert_int_equal(map_count(map), 0);

	connect_to(&b, lab, false);
	say(&b.t, "220 x\r\n");
	client_says(&b, "STARTTLS\r\n");
	say(&b.t, "220 go\r\n");
	client_says(&b, "\x16\x03\x01");
	assert_int_equal(map_count(map), 0);
}

/* No eight bytes in a row of what must not be in any map. */
static void search(struct lab *lab, const char *what)
{
	static uint8_t value[1 << 20];
	struct bpf_map *map;
	uint8_t key[64], *prev;

	bpf_object__for_each_map(map, lab->skel->obj) {
		int fd = bpf_map__fd(map), cpus = libbpf_num_possible_cpus();
		size_t size = (bpf_map__value_size(map) + 7) / 8 * 8 * cpus;

		assert_true(size <= sizeof(value));
		prev = NULL;
		for (; !bpf_map_get_next_key(fd, prev, key); prev = key) {
			if (bpf_map_lookup_elem(fd, key, value))
				continue;
			for (size_t i = 0; i + 8 <= strlen(what); i++)
				if (memmem(value, size, what + i, 8))
					fail_msg("map %s has \"%s\"",
						 bpf_map__name(map), what + i);
			if (bpf_map__max_entries(map) == 1)
				break;
		}
	}
}

static void test_no_password(void **state)
{
	test_names(state);
	search(*state, PASSWORD);
	search(*state, BOB_PASSWORD);
	search(*state, BOB_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hash_only),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_early_response),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_disorder),
		cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_no_password),
	};

	return cmocka_run_group_tests_name("listen", tests, lab_setup,
					   lab_teardown);
}

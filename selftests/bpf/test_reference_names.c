// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Both halves of the wire sensor in the kernel against a reference: random
 * dialogues of many connections at once, in random segments, some of them sent
 * again, sent with other bytes first, or lost. The reference has the commands by
 * number, and so has the name that each refusal is about: that one is told, or
 * none where the dialogue was disturbed.
 *
 * PACKETS=10000000 for so many; SEED for others.
 */
#include "lib/talk.h"

#define TALKS 40
#define COMMANDS 64 /* of a connection, then it begins anew */
#define BATCH_FAILURES 40 /* fewer than the lab keeps events */
#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */

/* AUTH of n0 to n7 with password x; and what names nobody. */
static const struct {
	const char *text, *name;
	bool auth;
} commands[] = {
	{ "AUTH PLAIN AG4wAHg=\r\n", "n0", true },
	{ "AUTH PLAIN AG4xAHg=\r\n", "n1", true },
	{ "auth plain AG4yAHg=\r\n", "n2", true },
	{ "AUTH  PLAIN  AG4zAHg=\r\n", "n3", true },
	{ "AUTH PLAIN AG40AHg=\n", "n4", true },
	{ "AUTH XOAUTH2 dXNlcj1uNQFhdXRoPUJlYXJlciB4AQE=\r\n", "n5", true },
	{ "AUTH OAUTHBEARER bixhPW42LAFhdXRoPUJlYXJlciB4AQE=\r\n", "n6", true },
	{ "AUTH PLAIN bjcAbjcAeA==\r\n", "n7", true },
	{ "AUTH PLAIN AG4wAHg\r\n", "", true }, /* no base64 */
	{ "AUTH PLAIN AG4w\r\n", "", true }, /* no end of the name */
	{ "AUTH SCRAM-SHA-1 biwsbj1uMCxyPXg=\r\n", "", true },
	{ "NOOP\r\n", "", false },
	{ "EHLO n0\r\n", "", false },
	{ "MAIL FROM:<n0@example.org> AUTH=<>\r\n", "", false },
	{ "XAUTH PLAIN AG4wAHg=\r\n", "", false },
};

struct dialogue_of {
	struct talk t;
	uint32_t seq; /* of the client's next byte */
	uint8_t command[COMMANDS];
	unsigned int sent, answered;
	bool disturbed; /* names may be missing, but none may be wrong */
};

static struct dialogue_of talks[TALKS];

static struct {
	struct addr client;
	const char *name;
	bool may_be_unknown;
} failures[BATCH_FAILURES + 8];
static unsigned int n_failures;
static unsigned long told, in_all; /* names; failures */

static void client_sends(struct dialogue_of *d, const struct shape *s,
			 uint32_t seq, const char *bytes, uint32_t n)
{
	struct flow flow = { .src = d->t.flow.dst,
			     .dst = d->t.flow.src,
			     .sport = d->t.flow.dport,
			     .dport = d->t.flow.sport };

	frame_build(&d->t.frame, s, &flow, false, seq, bytes, n);
	assert_int_equal(run_bytes(d->t.lab->skel->progs.listen,
				   d->t.frame.data, d->t.frame.len),
			 UNSPEC);
}

static void begin(struct dialogue_of *d, struct lab *lab, int number)
{
	static uint16_t port;

	talk_begin(&d->t, lab, number & 1, number, ++port,
		   dice(4) ? dice_roll() : -dice(200));
	say(&d->t, "220 mx.example ESMTP\r\n");
	d->seq = CLIENT_SEQ;
	d->sent = d->answered = 0;
	d->disturbed = false;
}

/* Sends a command in pieces; some of them again, or not as they should be. */
static unsigned long send_command(struct dialogue_of *d)
{
	uint8_t which = dice(ARRAY_SIZE(commands));
	const char *text = commands[which].text;
	uint32_t len = strlen(text), at = 0, n;
	const struct shape *plain = &shapes[!addr_is_v4(&d->t.flow.src)];
	static const struct shape options = { .ihl = 7 };
	unsigned long frames = 0;
	char other[64];

	for (; at < len; at += n, frames++) {
		n = dice(2) ? len - at : dice_range(1, len - at);
		switch (dice(400)) {
		case 0: /* other bytes first, which the server may not get */
			memcpy(other, text + at, n);
			other[dice(n)] ^= 1;
			client_sends(d, plain, d->seq + at, other, n);
			d->disturbed = true;
			break;
		case 1: /* a segment that is not seen */
			d->disturbed = true;
			continue;
		case 2: /* in a shape that is not read */
			if (plain->v6)
				break;
			client_sends(d, &options, d->seq + at, text + at, n);
			d->disturbed = true;
			continue;
		}
		client_sends(d, plain, d->seq + at, text + at, n);
		if (!dice(300)) {
			client_sends(d, plain, d->seq + at, text + at, n);
			d->disturbed = true;
			frames++;
		}
	}
	d->seq += len;
	d->command[d->sent++] = which;
	return frames;
}

/* Answers some of the commands, in one segment or several. */
static unsigned long answer(struct dialogue_of *d)
{
	char text[1024] = "";
	uint32_t len = 0, n;
	unsigned long frames = 0;

	for (int k = dice(3); k >= 0 && d->answered < d->sent; k--) {
		unsigned int i = d->answered++;
		uint8_t which = d->command[i];

		if (!commands[which].auth) {
			len += sprintf(text + len, "250-ok\r\n250 ok\r\n");
			continue;
		}
		len += sprintf(text + len, "535 5.7.8 Error: failed\r\n");
		failures[n_failures].client = d->t.flow.dst;
		failures[n_failures].name = commands[which].name;
		failures[n_failures++].may_be_unknown = d->disturbed;
	}
	for (uint32_t at = 0; at < len; at += n, frames++) {
		n = dice(2) ? len - at : dice_range(1, len - at);
		say_bytes(&d->t, text + at, n);
	}
	return frames;
}

static void must_tell(struct lab *lab)
{
	assert_int_equal(lab_events(lab), n_failures);
	for (unsigned int i = 0; i < n_failures; i++) {
		const struct event *e = &lab->event[i];
		const char *name = failures[i].name;

		assert_int_equal(e->kind, EVENT_FAILURE);
		assert_memory_equal(&e->client, &failures[i].client, 16);
		if (!e->user_len && failures[i].may_be_unknown)
			continue;
		if (e->user_len != strlen(name) ||
		    memcmp(e->user, name, e->user_len))
			fail_msg("failure %u names '%.*s', not '%s'", i,
				 e->user_len, e->user, name);
		told += e->user_len > 0;
	}
	in_all += n_failures;
	lab->n_events = 0;
	n_failures = 0;
	map_clear(lab->skel->maps.clients);
}

static void test_names(void **state)
{
	const char *n = getenv("PACKETS");
	unsigned long frames = n ? strtoul(n, NULL, 10) : 40000;
	struct lab *lab = lab_of(state);

	lab->s.log_failures = lab->s.log_users = 1;
	lab->s.net[1].failures = 0;
	settings_rate(&lab->s, 64, 120);
	lab_apply(lab);
	for (int i = 0; i < TALKS; i++)
		begin(&talks[i], lab, i);
	for (unsigned long i = 0; i < frames;) {
		int k = dice(TALKS);
		struct dialogue_of *d = &talks[k];

		if (d->sent == COMMANDS && d->answered == d->sent) {
			map_clear(lab->skel->maps.streams);
			map_clear(lab->skel->maps.dialogues);
			for (int all = 0; all < TALKS; all++)
				begin(&talks[all], lab, all);
		} else if (d->sent - d->answered < 4 && d->sent < COMMANDS &&
			   dice(2)) {
			i += send_command(d);
		} else {
			i += answer(d);
		}
		if (n_failures >= BATCH_FAILURES)
			must_tell(lab);
	}
	must_tell(lab);
	printf("# %lu frames, %lu failures, %lu names\n", frames, in_all, told);
	assert_true(told > in_all / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("reference of names", tests,
					   lab_setup, lab_teardown);
}

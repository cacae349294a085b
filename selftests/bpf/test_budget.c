// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What each kind of packet costs, in instructions of the program and calls of
 * helpers (lookups in arrays, which the kernel inlines, are none): counted by
 * running the program here. Nothing is timed. A change that makes a path
 * dearer fails here, and has to raise the figure where a reviewer sees it.
 */
#include "dialogue.h"
#include "lib/interpret.h"
#include "lib/talk.h"

/* clang 14's instructions; clang 19 needs up to 12 % fewer. */
#define SLACK_PERCENT 15

static const struct shape v4 = { .name = "IPv4" };
static const struct shape v6 = { .name = "IPv6", .v6 = true };
static const struct shape vlan = { .name = "VLAN", .tag = { 0x8100 } };

enum who { INNOCENT, BANNED, IN_BANNED_NET, ALLOWED };

static const struct gate_row {
	const char *name;
	const struct shape *shape;
	uint16_t port;
	enum who who;
	uint32_t insns, calls; /* the budget */
} gate_rows[] = {
	{ "IPv4, other port", &v4, 80, INNOCENT, 69, 0 },
	{ "IPv6, other port", &v6, 80, INNOCENT, 67, 0 },
	{ "IPv4 in a VLAN, other port", &vlan, 80, INNOCENT, 203, 1 },
	{ "IPv4, mail port, innocent", &v4, 25, INNOCENT, 161, 0 },
	{ "IPv6, mail port, innocent", &v6, 25, INNOCENT, 207, 0 },
	{ "IPv4, banned", &v4, 25, BANNED, 323, 0 },
	{ "IPv6, banned", &v6, 25, BANNED, 380, 0 },
	{ "IPv4, banned, other port", &v4, 80, BANNED, 69, 0 },
	{ "IPv4, in a banned network", &v4, 25, IN_BANNED_NET, 411, 2 },
	{ "IPv4, allowlisted in a banned network", &v4, 25, ALLOWED, 410, 3 },
};

static const struct sensor_row {
	const char *name;
	const struct shape *shape;
	uint16_t port;
	const char *payload;
	uint32_t insns, calls;
} sensor_rows[] = {
	{ "IPv4, other port", &v4, 80, "HTTP/1.1 200 OK\r\n", 54, 0 },
	{ "IPv6, other port", &v6, 80, "HTTP/1.1 200 OK\r\n", 51, 0 },
	{ "IPv4, mail port, ACK", &v4, 25, "", 145, 0 },
	{ "IPv4, TLS record", &v4, 25, "\x17\x03\x03\x01\x01x", 529, 7 },
	{ "IPv4, 250", &v4, 25, "250 2.1.0 Ok\r\n", 575, 8 },
	{ "IPv4, 535", &v4, 25,
	  "535 5.7.8 Error: authentication failed: (reason unavailable)\r\n",
	  1400, 15 }, /* a window per user (account.h), fronts */
	{ "IPv6, 535", &v6, 25,
	  "535 5.7.8 Error: authentication failed: (reason unavailable)\r\n",
	  1560, 19 }, /* counts for its network, too */
	{ "IPv4, EHLO's reply of eight lines", &v4, 25,
	  "250-mail.example.org\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n"
	  "250-ETRN\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n"
	  "250-8BITMIME\r\n250 SMTPUTF8\r\n",
	  2018, 15 },
};

/* Segments that are full of what is dear to read. */
static char token[1280], name[1280], spaces[1280], lines[1280], skipped[1280];

/* What clients say to the mail server, and to others. */
static const struct sensor_row client_rows[] = {
	{ "IPv4, other port", &v4, 80, "GET / HTTP/1.1\r\n", 60, 0 },
	{ "IPv6, other port", &v6, 80, "GET / HTTP/1.1\r\n", 63, 0 },
	{ "IPv4, mail port, ACK", &v4, 25, "", 153, 1 },
	{ "IPv4, nothing to hear any more", &v4, 26, "x", 162, 2 },
	{ "IPv4, EHLO", &v4, 25, "EHLO mail.example.org\r\n", 843, 9 },
	{ "IPv4, MAIL, RCPT, DATA", &v4, 25,
	  "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n"
	  "DATA\r\n",
	  1617, 13 },
	{ "IPv4, AUTH PLAIN", &v4, 25,
	  "AUTH PLAIN AEJvYkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n", 7219, 8 },
	{ "IPv4, 1279 bytes, a password in base64", &v4, 25, token, 64457, 29 },
	{ "IPv4, 1279 bytes, a name in base64", &v4, 25, name, 106121, 28 },
	{ "IPv4, 1279 bytes, spaces behind AUTH", &v4, 25, spaces, 60375, 28 },
	{ "IPv4, 1279 bytes, lines of two", &v4, 25, lines, 293975, 1308 },
	{ "IPv4, 1279 bytes, a line that is skipped", &v4, 25, skipped, 4050,
	  28 },
};

/* Starts with a text and goes on with a character. */
static void fill(char *to, const char *from, char with)
{
	memset(to, with, sizeof(token) - 1);
	memcpy(to, from, strlen(from));
}

static struct vm vm;
static struct frame frame;

/* Both figures, as they are and as they may be. */
static void judge(const char *what, const char *name, uint32_t insns,
		  uint32_t calls)
{
	printf("# %s: %s: %llu instructions, %llu calls\n", what, name,
	       (unsigned long long)vm.insns_run, (unsigned long long)vm.calls);
	if (vm.insns_run * 100 > insns * (100ULL + SLACK_PERCENT) ||
	    vm.calls > calls)
		fail_msg("%s: %s: dearer than its budget of %u instructions, "
			 "%u calls",
			 what, name, insns, calls);
	/* Where it became cheaper, the budget must follow. */
	if (vm.insns_run * (100ULL + SLACK_PERCENT) < insns * 100ULL ||
	    vm.calls < calls)
		fail_msg("%s: %s: cheaper than its budget of %u instructions, "
			 "%u calls: lower it",
			 what, name, insns, calls);
}

static uint32_t execute(struct lab *lab, const struct bpf_program *prog,
			bool skb)
{
	uint64_t args[6] = { [1] = VM_CTX };
	uint32_t verdict;

	vm.lab = lab;
	vm.insns = bpf_program__insns(prog);
	vm.data = frame.data;
	vm.len = frame.len;
	vm.skb = skb;
	vm.insns_run = vm.calls = vm.n_values = 0;
	verdict = vm_run(&vm, 0, 0, args);
	/* It is the same program, and so must come to the same end. */
	assert_int_equal(run_bytes(prog, frame.data, frame.len), verdict);
	return verdict;
}

static void test_gate(void **state)
{
	struct lab *lab = lab_of(state);
	struct net around = { .len = ADDR_V4_BITS + 16 };
	struct ban b = { .expires = lab_clock(lab).jiffies + (1 << 20) };

	for (size_t i = 0; i < ARRAY_SIZE(gate_rows); i++) {
		const struct gate_row *r = &gate_rows[i];
		bool is_v6 = r->shape->v6;
		struct flow flow = { .src = address(is_v6, 2 + r->who, 0, 7),
				     .dst = address(is_v6, 1, 0, 1),
				     .sport = 40000,
				     .dport = r->port };
		struct net net = client_at(&lab->pins, &flow.src);
		bool drops = r->port == 25 &&
			     (r->who == BANNED || r->who == IN_BANNED_NET);

		if (r->who == BANNED)
			assert_int_equal(banlist_put(&lab->pins, &net, &b), 0);
		if (r->who == IN_BANNED_NET || r->who == ALLOWED) {
			around = network(&flow.src, around.len);
			assert_int_equal(banlist_put(&lab->pins, &around, &b),
					 0);
			lab->s.have_ban_nets = 1;
			lab_apply(lab);
		}
		if (r->who == ALLOWED)
			allow_put(lab, &flow.src, 128, ALLOW_COMMAND);
		frame_build(&frame, r->shape, &flow, false, 1, "EHLO x\r\n", 8);
		assert_int_equal(execute(lab, lab->skel->progs.drop_ethernet,
					 false),
				 drops ? XDP_DROP : XDP_PASS);
		judge("gate", r->name, r->insns, r->calls);
	}
}

static void test_sensor(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(sensor_rows); i++) {
		const struct sensor_row *r = &sensor_rows[i];
		bool is_v6 = r->shape->v6;
		struct flow flow = { .src = address(is_v6, 1, 0, 1),
				     .dst = address(is_v6, 2, 0, i),
				     .sport = r->port,
				     .dport = 40000 + i };

		frame_build(&frame, r->shape, &flow, false, 1, r->payload,
			    strlen(r->payload));
		assert_int_equal(execute(lab, lab->skel->progs.detect_ethernet,
					 true),
				 UNSPEC);
		judge("sensor", r->name, r->insns, r->calls);
	}
}

static void test_client(void **state)
{
	struct lab *lab = lab_of(state);

	fill(token, "AUTH PLAIN AGEA", 'Q');
	fill(name, "AUTH PLAIN ", 'Q');
	fill(spaces, "AUTH", ' ');
	fill(lines, "", 'x');
	for (size_t i = 1; i < sizeof(lines); i += 2)
		lines[i] = '\n';
	fill(skipped, "NOOP ", 'x');
	settings_port(&lab->s, 26);
	lab_apply(lab);
	for (size_t i = 0; i < ARRAY_SIZE(client_rows); i++) {
		const struct sensor_row *r = &client_rows[i];
		bool is_v6 = r->shape->v6;
		struct flow flow = { .src = address(is_v6, 2, 0, i),
				     .dst = address(is_v6, 1, 0, 1),
				     .sport = 40000 + i,
				     .dport = r->port };
		struct stream_key key = { .server = flow.dst,
					  .client = flow.src,
					  .server_port = htons(flow.dport),
					  .client_port = htons(flow.sport) };
		struct wire_dialogue w = { .next_seq = 1,
					   .replies = 1,
					   .d.commands = 1 };

		if (r->port == 25)
			assert_int_equal(
				bpf_map_update_elem(
					bpf_map__fd(lab->skel->maps.dialogues),
					&key, &w, 0),
				0);
		frame_build(&frame, r->shape, &flow, false, 1, r->payload,
			    strlen(r->payload));
		assert_int_equal(execute(lab, lab->skel->progs.listen, true),
				 UNSPEC);
		judge("client", r->name, r->insns, r->calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_sensor),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests_name("budget", tests, lab_setup,
					   lab_teardown);
}

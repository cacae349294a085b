// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The header of the PROXY protocol on the wire (bpf/proxy.h): cut, repeated,
 * forged and late; whose the failures are, and whose packets are dropped.
 */
#include "dialogue.h"
#include "groups.h"
#include "lib/talk.h"
#include "named.h"

#define FAILS "535 5.7.8 Error: authentication failed\r\n"
#define AUTH_A "AUTH PLAIN AGEAcA==\r\n"
#define CLIENT_SEQ 1 /* of its first byte: frames acknowledge that */
#define SHOT 2
#define TCP_RST 0x04
#define HEADER "PROXY TCP4 198.51.100.7 192.0.2.25 40000 587\r\n"

static struct talk talk;
static uint32_t seq; /* of the proxy's next byte */

/* What becomes of a segment of the proxy's, with these flags. */
static uint32_t proxy_sends(uint8_t flags, uint32_t at, const void *text,
			    uint32_t len)
{
	const struct shape s = { .flags = flags,
				 .v6 = !addr_is_v4(&talk.flow.src) };
	struct flow flow = { .src = talk.flow.dst,
			     .dst = talk.flow.src,
			     .sport = talk.flow.dport,
			     .dport = talk.flow.sport };

	frame_build(&talk.frame, &s, &flow, false, at, text, len);
	return run_bytes(talk.lab->skel->progs.listen, talk.frame.data,
			 talk.frame.len);
}

static uint32_t proxy_says_at(uint32_t at, const void *text, uint32_t len)
{
	return proxy_sends(0, at, text, len);
}

static uint32_t proxy_says_bytes(const void *text, uint32_t len)
{
	uint32_t verdict = proxy_says_at(seq, text, len);

	seq += len;
	return verdict;
}

static void proxy_says(const char *text)
{
	assert_int_equal(proxy_says_bytes(text, strlen(text)), UNSPEC);
}

/* A connection from an address that is a proxy, unless `stranger`. */
static void connect_by(struct lab *lab, bool v6, bool stranger)
{
	static uint16_t port = 1024;
	struct group_entry e = { .group = GROUP_PROXY, .len = 128 };
	struct net key = { .len = 128 };
	int map = bpf_map__fd(lab->skel->maps.groups_a);

	talk_begin(&talk, lab, v6, 1, port, 5000);
	memcpy(key.addr, &talk.flow.dst, sizeof(key.addr));
	if (stranger)
		bpf_map_delete_elem(map, &key);
	else
		assert_int_equal(bpf_map_update_elem(map, &key, &e, 0), 0);
	talk_begin(&talk, lab, v6, 1, port++, 5000);
	seq = CLIENT_SEQ;
}

static struct lab *begin(void **state)
{
	struct lab *lab = lab_of(state);

	lab->s.log_failures = lab->s.log_users = 1;
	lab->s.proxies = 1;
	lab->s.groups = 1;
	lab->s.compare = 0; /* the same password, over and over */
	settings_rate(&lab->s, 4, 120);
	lab_apply(lab);
	return lab;
}

static void fails_once(void)
{
	say(&talk, "220 x\r\n");
	proxy_says(AUTH_A);
	say(&talk, FAILS);
}

/* Who is charged with the last failure: an address, or "". */
static void charged(struct lab *lab, const char *who)
{
	char got[ADDR_TEXT] = "";

	if (lab_events(lab))
		addr_format(&lab->event[lab->n_events - 1].client, got);
	assert_string_equal(got, who);
	lab->n_events = 0;
}

/* Version 2 of the same, by IPv4, with some TLVs. */
static uint32_t header_v2(uint8_t *to, uint8_t command, uint32_t more)
{
	memcpy(to, "\r\n\r\n\0\r\nQUIT\n", 12);
	to[12] = command;
	to[13] = 0x11;
	to[14] = (12 + more) >> 8;
	to[15] = 12 + more;
	memcpy(to + 16, "\306\063\144\007\300\0\002\031\234\100\002\113", 12);
	memset(to + 28, '\n', more);
	return 28 + more;
}

/* However it is cut, and whatever comes in one piece with it. */
static void test_cut(void **state)
{
	struct lab *lab = begin(state);
	uint32_t n = strlen(HEADER);

	for (int v6 = 0; v6 < 2; v6++) {
		for (uint32_t cut = 0; cut <= n; cut++) {
			connect_by(lab, v6, false);
			if (cut)
				proxy_says_bytes(HEADER, cut);
			proxy_says_bytes(HEADER + cut, n - cut);
			fails_once();
			assert_int_equal(lab_events(lab), 1);
			/* the name: the header was no command */
			assert_int_equal(lab->event[0].user_len, 1);
			charged(lab, "198.51.100.7");
			map_clear(lab->skel->maps.clients);
		}
	}
	connect_by(lab, false, false);
	proxy_says(HEADER AUTH_A);
	say(&talk, "220 x\r\n" FAILS);
	assert_int_equal(lab_events(lab), 1);
	/* who does not wait for the greeting is not known */
	assert_int_equal(lab->event[0].user_len, 0);
	charged(lab, "198.51.100.7");
	assert_int_equal(counted(lab, COUNTER_NO_HEADER), 0);
	assert_int_equal(counted(lab, COUNTER_UNNAMED), 0);
}

static void test_binary(void **state)
{
	static const uint32_t tlvs[] = { 0, 1, 25, 300, 2000 };
	struct lab *lab = begin(state);
	uint8_t text[4096];

	for (size_t i = 0; i < ARRAY_SIZE(tlvs); i++) {
		uint32_t n = header_v2(text, 0x21, tlvs[i]);

		for (uint32_t cut = 1; cut < n; cut += 1 + n / 40) {
			connect_by(lab, false, false);
			proxy_says_bytes(text, cut);
			proxy_says_bytes(text + cut, n - cut);
			fails_once();
			assert_int_equal(lab_events(lab), 1);
			assert_int_equal(lab->event[0].user_len, 1);
			charged(lab, "198.51.100.7");
			map_clear(lab->skel->maps.clients);
		}
	}
}

static void test_nobody(void **state)
{
	struct lab *lab = begin(state);
	uint8_t text[4096];

	connect_by(lab, false, false);
	fails_once();
	charged(lab, "");
	assert_int_equal(counted(lab, COUNTER_NO_HEADER), 1);
	connect_by(lab, false, false);
	proxy_says("PROXY UNKNOWN\r\n");
	fails_once();
	charged(lab, "");
	connect_by(lab, false, false);
	proxy_says_bytes(text, header_v2(text, 0x20, 7));
	fails_once();
	charged(lab, "");
	/* only the first, and only at the first byte */
	connect_by(lab, false, false);
	proxy_says("EHLO x\r\n" HEADER);
	fails_once();
	charged(lab, "");
	connect_by(lab, false, false);
	proxy_says("PROXY UNKNOWN\r\n" HEADER);
	fails_once();
	charged(lab, "");
	connect_by(lab, false, false);
	proxy_says(HEADER "PROXY TCP4 203.0.113.9 192.0.2.25 1 2\r\n");
	fails_once();
	charged(lab, "198.51.100.7");
	/* half of one */
	connect_by(lab, false, false);
	proxy_says("PROXY TCP4 198.51.100.7 ");
	say(&talk, FAILS);
	charged(lab, "");
	assert_int_equal(counted(lab, COUNTER_UNNAMED), 6);
	assert_int_equal(counted(lab, COUNTER_FAILURE), 1);
}

/* Whoever is no proxy names nobody; and a proxy names nobody once it is none. */
static void test_stranger(void **state)
{
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	connect_by(lab, false, true);
	proxy_says(HEADER);
	fails_once();
	addr_format(&talk.flow.dst, who);
	charged(lab, who);
}

/*
 * Segments that anybody can send in the proxy's name: they hit the connection's
 * ports, but not the number of its first byte.
 */
static void test_forged(void **state)
{
	static const char other[] = "PROXY TCP4 203.0.113.9 192.0.2.25 1 2\r\n";
	struct lab *lab = begin(state);

	connect_by(lab, false, false);
	proxy_says_at(CLIENT_SEQ + 1, other, strlen(other));
	proxy_says_at(CLIENT_SEQ - 1, other, strlen(other));
	proxy_says_at(CLIENT_SEQ + 70000, other, strlen(other));
	proxy_says_at(CLIENT_SEQ - 70000, other, strlen(other));
	proxy_says(HEADER);
	proxy_says_at(seq - 1, other, strlen(other));
	proxy_says_at(CLIENT_SEQ - 1, other, strlen(other));
	fails_once();
	charged(lab, "198.51.100.7");
}

/* One that the server's TCP has refused is replaced by what comes again. */
static void test_again(void **state)
{
	struct lab *lab = begin(state);

	connect_by(lab, false, false);
	proxy_says_at(CLIENT_SEQ, "PROXY TCP4 203.0.113.9 192", 26);
	proxy_says(HEADER);
	fails_once();
	charged(lab, "198.51.100.7");
	connect_by(lab, false, false);
	proxy_says_at(CLIENT_SEQ, "GARBAGE", 7);
	proxy_says(HEADER);
	proxy_says_at(CLIENT_SEQ, HEADER, strlen(HEADER));
	fails_once();
	charged(lab, "198.51.100.7");
}

/* The next connection of the same ports is another one. */
static void test_next(void **state)
{
	struct lab *lab = begin(state);

	connect_by(lab, false, false);
	proxy_says(HEADER);
	fails_once();
	charged(lab, "198.51.100.7");
	say_hello(&talk, 90000);
	seq = CLIENT_SEQ;
	fails_once();
	charged(lab, "");
}

/* The fourth failure bans; from then on nothing of his is let in. */
static void test_drop(void **state)
{
	struct lab *lab = begin(state);
	struct addr key = { .d = { 0, 0, ADDR_V4_WORD } };
	struct ban b;

	key.d[3] = inet_addr("198.51.100.7");
	for (int i = 0; i < 4; i++) {
		assert_false(ban_get(lab, &key, &b));
		connect_by(lab, false, false);
		proxy_says(HEADER);
		fails_once();
	}
	assert_true(ban_get(lab, &key, &b));
	assert_int_equal(b.packets, 0);
	lab_events(lab);
	lab->n_events = 0;
	assert_int_equal(proxy_says_bytes(AUTH_A, strlen(AUTH_A)), SHOT);
	assert_int_equal(lab_events(lab), 1);
	assert_int_equal(lab->event[0].kind, EVENT_PROXIED);
	/* acknowledgments, too; but not what begins a connection, or ends it */
	assert_int_equal(proxy_sends(TCP_ACK, seq, NULL, 0), SHOT);
	assert_int_equal(proxy_sends(TCP_SYN, seq, NULL, 0), UNSPEC);
	assert_int_equal(proxy_sends(TCP_RST, seq, NULL, 0), UNSPEC);
	/* told once; another's passes, and what the proxy says of nobody */
	assert_int_equal(proxy_says_bytes(AUTH_A, strlen(AUTH_A)), SHOT);
	connect_by(lab, false, false);
	assert_int_equal(proxy_says_bytes(HEADER, strlen(HEADER)), SHOT);
	assert_int_equal(proxy_says_at(CLIENT_SEQ, HEADER, strlen(HEADER)),
			 SHOT);
	assert_int_equal(lab_events(lab), 2);
	connect_by(lab, false, false);
	proxy_says("PROXY TCP4 198.51.100.8 192.0.2.25 40000 587\r\n");
	proxy_says(AUTH_A);
	connect_by(lab, false, false);
	proxy_says(AUTH_A);
	assert_int_equal(counted(lab, COUNTER_DROP_PROXIED), 5);
	assert_true(ban_get(lab, &key, &b));
	assert_int_equal(b.packets, 5);
}

/* An XCLIENT, what the server says to it, and who is charged then. */
static const struct {
	const char *says;
	const char *reply;
	const char *who;
} xclients[] = {
	{ "XCLIENT ADDR=198.51.100.7\r\n", "220 x\r\n", "198.51.100.7" },
	{ "xclient name=spike.example addr=198.51.100.7 LOGIN=a\r\n",
	  "220-x\r\n220 x\r\n", "198.51.100.7" },
	{ "XCLIENT ADDR=IPV6:2001:db8::7 PORT=4711\r\n", "220 x\r\n",
	  "2001:db8::7" },
	{ "XCLIENT ADDR=ipv6:2001+3Adb8::7\r\n", "220 x\r\n", "2001:db8::7" },
	{ "XCLIENT ADDR=198.51.100.8 ADDR=198.51.100.7\r\n", "220 x\r\n",
	  "198.51.100.7" },
	{ "XCLIENT ADDR=198.51.100.7\n", "220 x\r\n", "198.51.100.7" },
	{ "XCLIENT ADDR=[UNAVAILABLE]\r\n", "220 x\r\n", "" },
	{ "XCLIENT ADDR=[TEMPUNAVAIL] NAME=x\r\n", "220 x\r\n", "" },
	{ "XCLIENT ADDR=IPV6:198.51.100.7x\r\n", "220 x\r\n", "" },
	{ "XCLIENT ADDR=198.51.100.256\r\n", "220 x\r\n", "" },
	{ "XCLIENT NAME=ADDR=198.51.100.7\r\n", "220 x\r\n", "" },
	{ "XCLIENT ADDR=198.51.100.7\r\n", "550 5.7.0 insufficient\r\n", "" },
	{ "XCLIENT ADDR=198.51.100.7\r\n", "250 ok\r\n", "" },
	{ "NOOP\r\nXCLIENT ADDR=198.51.100.7\r\n", "250 ok\r\n220 x\r\n",
	  "198.51.100.7" },
	{ "NOOP XCLIENT ADDR=198.51.100.7\r\n", "220 x\r\n", "" },
	{ "XCLIENTADDR=198.51.100.7\r\n", "220 x\r\n", "" },
	{ "XFORWARD ADDR=198.51.100.7\r\n", "220 x\r\n", "" },
	/* 220, but not to the XCLIENT */
	{ "XCLIENT ADDR=198.51.100.7\r\nSTARTTLS\r\n",
	  "550 5.7.0 insufficient\r\n220 ready\r\n", "" },
	{ "STARTTLS\r\nXCLIENT ADDR=198.51.100.7\r\n",
	  "220 ready\r\n550 5.7.0 insufficient\r\n", "" },
	/* a second one */
	{ "XCLIENT ADDR=198.51.100.8\r\n", "220 x\r\n", "198.51.100.8" },
};

static void test_xclient(void **state)
{
	struct lab *lab = begin(state);

	settings_rate(&lab->s, 64, 120);
	lab_apply(lab);
	for (size_t i = 0; i < ARRAY_SIZE(xclients); i++) {
		const char *text = xclients[i].says;
		uint32_t n = strlen(text);

		for (uint32_t cut = 0; cut < n; cut += 3) {
			connect_by(lab, i & 1, false);
			say(&talk, "220 x\r\n");
			proxy_says("EHLO x\r\n");
			say(&talk, "250 x\r\n");
			if (cut)
				proxy_says_bytes(text, cut);
			proxy_says_bytes(text + cut, n - cut);
			say(&talk, xclients[i].reply);
			proxy_says(AUTH_A);
			say(&talk, FAILS);
			print_message("%s", text);
			charged(lab, xclients[i].who);
		}
	}
}

/* As often as it comes; in a message it is none; behind a header, too. */
static void test_xclient_again(void **state)
{
	struct lab *lab = begin(state);

	connect_by(lab, false, false);
	proxy_says(HEADER);
	say(&talk, "220 x\r\n");
	proxy_says(AUTH_A);
	say(&talk, FAILS);
	charged(lab, "198.51.100.7");
	proxy_says("XCLIENT ADDR=198.51.100.8\r\n");
	say(&talk, "220 x\r\n");
	proxy_says(AUTH_A);
	say(&talk, FAILS);
	charged(lab, "198.51.100.8");
	proxy_says("XCLIENT ADDR=198.51.100.9\r\n");
	say(&talk, "220 x\r\n");
	proxy_says(AUTH_A);
	say(&talk, FAILS);
	assert_int_equal(lab_events(lab), 1);
	assert_int_equal(lab->event[0].user_len, 1);
	charged(lab, "198.51.100.9");
	proxy_says("DATA\r\n");
	say(&talk, "354 go\r\n");
	proxy_says("XCLIENT ADDR=198.51.100.10\r\n.\r\n");
	say(&talk, "250 x\r\n" FAILS);
	charged(lab, "198.51.100.9");
	proxy_says("XCLIENT ADDR=[UNAVAILABLE]\r\n");
	say(&talk, "220 x\r\n" FAILS);
	charged(lab, "");
}

/* From whoever is no proxy it is nothing, whatever the server says. */
static void test_xclient_stranger(void **state)
{
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	connect_by(lab, false, true);
	say(&talk, "220 x\r\n");
	proxy_says("XCLIENT ADDR=198.51.100.7\r\n");
	say(&talk, "220 x\r\n" FAILS);
	addr_format(&talk.flow.dst, who);
	charged(lab, who);
}

/* A connection of a stranger, `who`, that begins with a header. */
static void stranger_claims(struct lab *lab, bool v2, char who[ADDR_TEXT])
{
	uint8_t text[64];

	connect_by(lab, v2, true);
	addr_format(&talk.flow.dst, who);
	if (v2)
		proxy_says_bytes(text, header_v2(text, 0x21, 7));
	else
		proxy_says(HEADER);
}

/*
 * Without the key: whoever has a header taken is told of, and not banned. To
 * send one is not enough.
 */
static void test_claim(void **state)
{
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	lab->s.proxies = 0;
	lab_apply(lab);
	for (int v2 = 0; v2 < 2; v2++) {
		stranger_claims(lab, v2, who);
		/* what a server says that knows of no header */
		say(&talk, "220 x\r\n502 5.5.2 command not recognized\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n" FAILS);
		charged(lab, who);
		connect_by(lab, v2, true);
		proxy_says("EHLO PROXY \r\n" HEADER);
		say(&talk, "220 x\r\n250 x\r\n" FAILS);
		charged(lab, who);
	}
	assert_int_equal(map_count(lab->skel->maps.claimants), 0);
	for (int v2 = 0; v2 < 2; v2++) {
		stranger_claims(lab, v2, who);
		say(&talk, "220 x\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n");
		assert_int_equal(lab_events(lab), 1);
		assert_int_equal(lab->event[0].kind, EVENT_CLAIM);
		lab->n_events = 0;
		for (int i = 0; i < 6; i++)
			say(&talk, FAILS);
		charged(lab, "");
	}
	assert_int_equal(map_count(lab->skel->maps.claimants), 2);
	assert_int_equal(counted(lab, COUNTER_UNNAMED), 12);
	/* once proxies are named, it is a client as any other */
	lab->s.proxies = 1;
	lab_apply(lab);
	say(&talk, FAILS);
	charged(lab, who);
}

/* The stranger is not taken for a proxy: his next failures are his. */
static void not_taken(struct lab *lab, const char *who)
{
	assert_int_equal(map_count(lab->skel->maps.claimants), 0);
	lab_events(lab);
	lab->n_events = 0;
	say(&talk, FAILS);
	charged(lab, who);
	map_clear(lab->skel->maps.clients);
}

static void hello_again(void)
{
	say_hello(&talk, talk.seq + 1000);
	seq = CLIENT_SEQ;
}

/*
 * A client that is no proxy tries to be taken for one by a server that knows of
 * no header.
 */
static void test_claim_faked(void **state)
{
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	lab->s.proxies = 0;
	lab_apply(lab);
	for (int v2 = 0; v2 < 2; v2++) {
		/* the claim of one connection on the next one by this port */
		stranger_claims(lab, v2, who);
		say(&talk, "220 x\r\n502 5.5.2 not recognized\r\n");
		hello_again();
		say(&talk, "220 x\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n");
		not_taken(lab, who);
		/* never answered */
		stranger_claims(lab, v2, who);
		hello_again();
		say(&talk, "220 x\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n");
		not_taken(lab, who);
		/* a header that the server's TCP refuses, EHLO in its place */
		stranger_claims(lab, v2, who);
		seq = CLIENT_SEQ;
		say(&talk, "220 x\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n");
		not_taken(lab, who);
		/* a flood evicts the stream: its replies are counted anew */
		stranger_claims(lab, v2, who);
		say(&talk, "220 x\r\n");
		map_clear(lab->skel->maps.streams);
		say(&talk, "502 5.5.2 not recognized\r\n");
		proxy_says("EHLO x\r\n");
		say(&talk, "250 x\r\n");
		not_taken(lab, who);
		/* and nothing is known of the dialogue any more */
		stranger_claims(lab, v2, who);
		map_clear(lab->skel->maps.dialogues);
		say(&talk, "220 x\r\n250 x\r\n");
		not_taken(lab, who);
	}
}

/* A connection of a stranger, `who`, to the end of the reply to EHLO. */
static void stranger_begins(struct lab *lab, bool v6, char who[ADDR_TEXT])
{
	connect_by(lab, v6, true);
	addr_format(&talk.flow.dst, who);
	say(&talk, "220 x\r\n");
	proxy_says("EHLO x\r\n");
	say(&talk, "250-x\r\n250 XCLIENT ADDR\r\n");
}

/* Whose XCLIENT a server accepts is a proxy, too. */
static void test_claim_xclient(void **state)
{
	static const char *const text[] = {
		"XCLIENT ADDR=198.51.100.7 NAME=x\r\n",
		"xclient addr=198.51.100.7\r\n",
		"XCLIENT ADDR=198.51.100.7\r\nEHLO x\r\n",
	};
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	lab->s.proxies = 0;
	lab_apply(lab);
	for (size_t i = 0; i < 3 * ARRAY_SIZE(text); i++) {
		stranger_begins(lab, i & 1, who);
		if (i / 3 == 2) { /* later on, behind a failure */
			proxy_says(AUTH_A);
			say(&talk, FAILS);
		}
		lab_events(lab);
		lab->n_events = 0;
		map_clear(lab->skel->maps.claimants);
		proxy_says(text[i % 3]);
		/* of one line or two, in pieces */
		say(&talk, i / 3 ? "220-x\r\n22" : "22");
		say(&talk, "0 x\r\n250-x\r\n");
		say(&talk, "250 x\r\n");
		assert_int_equal(lab_events(lab), 1);
		assert_int_equal(lab->event[0].kind, EVENT_CLAIM);
		assert_int_equal(lab->event[0].code, 220);
		lab->n_events = 0;
		for (int n = 0; n < 6; n++)
			say(&talk, FAILS);
		charged(lab, "");
	}
	assert_int_equal(map_count(lab->skel->maps.claims), 0);
	/* a header's claim, on a connection later, is told as one */
	map_clear(lab->skel->maps.claimants);
	stranger_claims(lab, false, who);
	say(&talk, "220 x\r\n250 x\r\n");
	assert_int_equal(lab_events(lab), 1);
	assert_int_equal(lab->event[0].code, 0);
}

/* What a client and a server that grants no XCLIENT may say. */
static const struct {
	const char *client;
	const char *server;
} no_proxy[] = {
	{ "XCLIENT ADDR=[UNAVAILABLE]\r\n", "503 5.5.1 not authorized\r\n" },
	{ "XCLIENT x\r\n", "250 2.0.0 ok\r\n250 x\r\n" },
	{ "XCLIENT x\r\nNOOP\r\n", "550 x\r\n220 x\r\n250 x\r\n" },
	{ "XCLIENT x\r\nSTARTTLS\r\nEHLO x\r\n",
	  "502 x\r\n220 Ready\r\n250 x\r\n" },
	{ "NOOP\r\nXCLIENT x\r\n", "220 x\r\n250 x\r\n" },
	{ "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n250 x\r\n" },
	{ "XCLIENTx\r\n", "220 x\r\n250 x\r\n" },
	{ " XCLIENT x\r\n", "220 x\r\n250 x\r\n" },
	{ "\r\nXCLIENT x\r\n", "220 x\r\n250 x\r\n" },
	/* 220 to it, but no 250 behind */
	{ "XCLIENT x\r\n",
	  "220 2.0.0 Ready to start TLS\r\n554 x\r\n250 x\r\n" },
	{ "XCLIENT x\r\n", "220 x\r\n220 x\r\n250 x\r\n" },
	{ "XCLIENT x\r\n", "334 \r\n220 x\r\n250 x\r\n" },
};

/* In a message or a response it is no command; nor where it was not taken. */
static void test_claim_no_command(struct lab *lab, char who[ADDR_TEXT])
{
	stranger_begins(lab, false, who);
	proxy_says("DATA\r\n");
	say(&talk, "354 go\r\n");
	proxy_says("XCLIENT x\r\n.\r\n");
	say(&talk, "250 x\r\n");
	proxy_says("NOOP\r\n");
	say(&talk, "250 x\r\n");
	proxy_says("XCLIENT x\r\n");
	say(&talk, "220 x\r\n250 x\r\n");
	not_taken(lab, who);

	stranger_begins(lab, false, who);
	proxy_says("NOOP"); /* the reply comes before the line's end */
	say(&talk, "250 x\r\n");
	proxy_says("XCLIENT x\r\n");
	say(&talk, "220 x\r\n250 x\r\n");
	not_taken(lab, who);

	stranger_begins(lab, false, who);
	proxy_says("AUTH LOGIN\r\n");
	say(&talk, "334 VXNlcm5hbWU6\r\n");
	proxy_says("XCLIENT x\r\n");
	say(&talk, "220 x\r\n250 x\r\n");
	not_taken(lab, who);

	stranger_begins(lab, false, who);
	proxy_says_at(seq, "XCLIENT \r\n", 10);
	proxy_says_at(seq, "STARTTLS\r\n", 10);
	say(&talk, "220 x\r\n250 x\r\n");
	not_taken(lab, who);

	/* the claim of one connection on the next one by this port */
	stranger_begins(lab, false, who);
	proxy_says("XCLIENT x\r\n");
	hello_again();
	say(&talk, "220 x\r\n");
	proxy_says("EHLO x\r\n");
	say(&talk, "250 x\r\n");
	proxy_says("NOOP\r\n");
	say(&talk, "220 x\r\n250 x\r\n");
	not_taken(lab, who);
}

static void test_claim_xclient_faked(void **state)
{
	struct lab *lab = begin(state);
	char who[ADDR_TEXT];

	lab->s.proxies = 0;
	lab_apply(lab);
	for (size_t i = 0; i < ARRAY_SIZE(no_proxy); i++) {
		stranger_begins(lab, i & 1, who);
		proxy_says(no_proxy[i].client);
		say(&talk, no_proxy[i].server);
		if (map_count(lab->skel->maps.claimants))
			fail_msg("taken for a proxy: case %zu", i);
		not_taken(lab, who);
	}
	test_claim_no_command(lab, who);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_xclient),
		cmocka_unit_test(test_xclient_again),
		cmocka_unit_test(test_xclient_stranger),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_claim_faked),
		cmocka_unit_test(test_claim_xclient),
		cmocka_unit_test(test_claim_xclient_faked),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests_name("proxy", tests, lab_setup,
					   lab_teardown);
}

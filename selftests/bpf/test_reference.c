// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The real programs in the kernel against a reference of another make: random
 * frames, whole and broken, of many connections at once, by test run. The
 * reference reads frames by offsets (lib/frame_reader.h), keeps what a server
 * has said as one text, and reads all of it again with each segment
 * (lib/reply_reader.h).
 *
 * PACKETS=10000000 for so many to each program; SEED for others.
 */
#include "lib/frame_reader.h"
#include "lib/harness.h"
#include "lib/reply_reader.h"

#define BATCH 128 /* frames between two looks at the counters */
#define EPOCH 32 /* batches between two fresh beginnings */
#define PEERS 24 /* addresses of each family */
#define TALKS 48 /* connections of an epoch */
#define STREAMS 384 /* that the reference knows, broken ones too */
#define TEXT_MAX 4096

static struct frame frame;
static char what[128]; /* the frame under way */

static unsigned long packets(void)
{
	const char *n = getenv("PACKETS");

	return n ? strtoul(n, NULL, 10) : 60000;
}

/* A frame of any shape from one host to another; now and then it is broken. */
static uint32_t make_frame(const struct shape *s, const struct flow *flow,
			   bool raw, uint32_t seq, const void *bytes,
			   uint32_t len)
{
	uint32_t n;

	frame_build(&frame, s, flow, raw, seq, bytes, len);
	n = frame.len;
	snprintf(what, sizeof(what), "%s%s, %u bytes", s->name ?: "plain",
		 raw ? ", raw" : "", n);
	if (!dice(6))
		n = dice_range(FRAME_MIN, n);
	if (!dice(5))
		for (uint32_t k = dice(4) + 1; k > 0; k--)
			frame.data[dice(dice(2) && n > 64 ? 64 : n)] =
				dice(3) ? dice(256) : 1U << dice(8);
	return n;
}

static const struct shape *any_shape(bool raw)
{
	const struct shape *s;

	do
		s = &shapes[dice(3) ? dice(2) : dice(ARRAY_SIZE(shapes))];
	while (!shape_fits(s, raw));
	return s;
}

/* ---- what the counters have to say */

static struct counter_value want[COUNTERS_MAX];

static void expect(enum counter c, uint32_t bytes)
{
	want[c].packets++;
	want[c].bytes += bytes;
}

static void must_count(struct lab *lab, unsigned long at)
{
	struct counter_value got[COUNTERS_MAX];

	counters_read(lab, got, false);
	for (int c = 0; c < COUNTERS_MAX; c++)
		if (got[c].packets != want[c].packets ||
		    got[c].bytes != want[c].bytes)
			fail_msg("before frame %lu (the last: %s): %s is "
				 "%llu/%llu, not %llu/%llu",
				 at, what, counter_name(c), got[c].packets,
				 got[c].bytes, want[c].packets, want[c].bytes);
	counters_clear(lab);
	memset(want, 0, sizeof(want));
}

static bool is_mail(uint32_t port)
{
	return port == 25 || port == 465 || port == 587 || port == 2525;
}

static struct found read_raw_or_not(const struct frame_in *f, bool raw)
{
	return read_frame(f, !raw);
}

/* ---- the gate */

/* Peers with an even number are banned. */
static bool is_banned(const uint8_t *src)
{
	for (int i = 0; i < PEERS; i += 2) {
		struct addr v4 = address(false, 2, 0, i);
		struct addr v6 = address(true, 2, i, 1);

		/* a client is an IPv4 address, or a /64 */
		if (!memcmp(src, &v4, 16) || !memcmp(src, &v6, 8))
			return true;
	}
	return false;
}

static uint32_t gate(const struct frame_in *f, bool raw, enum scope scope)
{
	struct found p = read_raw_or_not(f, raw);
	bool mail = true; /* what cannot be told */

	if (p.result != PARSE_OK)
		expect(COUNTER_IN_TRUNCATED + p.result, f->n);
	if (p.result < PARSE_EXT_HEADERS)
		return XDP_PASS;
	if (p.result == PARSE_OK && scope == SCOPE_MAIL) {
		if (p.proto != IPPROTO_TCP)
			return XDP_PASS;
		if (lacks(f, p.l4 + 4)) {
			expect(COUNTER_IN_TRUNCATED, f->n);
			return XDP_PASS;
		}
		mail = is_mail(number(f, p.l4 + 2));
	}
	if (!mail || !is_banned(p.src))
		return XDP_PASS;
	expect(COUNTER_DROP_BAN, f->n);
	return XDP_DROP;
}

static void ban_peers(struct lab *lab)
{
	for (int i = 0; i < PEERS; i += 2)
		for (int v6 = 0; v6 < 2; v6++) {
			struct addr a = v6 ? address(true, 2, i, 1) :
					     address(false, 2, 0, i);
			struct ban b = { .expires = lab_clock(lab).jiffies +
						    1000000000 };

			ban_set(lab, &a, &b);
		}
}

static void test_gate(void **state)
{
	static const uint16_t ports[] = { 25, 465, 587, 2525, 26, 80, 24 };
	struct lab *lab = lab_of(state);
	unsigned long n = packets(), dropped = 0;

	ban_peers(lab);
	counters_clear(lab);
	for (unsigned long i = 0; i < n; i++) {
		bool raw = dice(2);
		const struct shape *s = any_shape(raw);
		int peer = dice(PEERS);
		struct flow flow = {
			.src = s->v6 ? address(true, 2, peer, dice(256)) :
				       address(false, 2, 0, peer),
			.dst = address(s->v6, 1, 0, 1),
			.sport = dice(65536),
			.dport = ports[dice(ARRAY_SIZE(ports))],
		};
		uint32_t got, len;

		if (i % BATCH == 0) {
			must_count(lab, i);
			lab->s.scope = dice(3) ? SCOPE_MAIL : SCOPE_ALL;
			lab_apply(lab);
		}
		len = make_frame(s, &flow, raw, 1, "AUTH PLAIN\r\n", 12);
		got = run_bytes(raw ? lab->skel->progs.drop_raw :
				      lab->skel->progs.drop_ethernet,
				frame.data, len);
		if (got != gate(&(struct frame_in){ frame.data, len }, raw,
				lab->s.scope))
			fail_msg("frame %lu, %s: verdict %u", i, what, got);
		dropped += got == XDP_DROP;
	}
	must_count(lab, n);
	printf("# %lu frames, %lu dropped\n", n, dropped);
	assert_in_range(dropped, n / 20, n / 2);
}

/* ---- the sensor */

/* What a server has said on one connection. */
struct said {
	uint8_t key[36]; /* both addresses and ports */
	bool there, tls;
	uint32_t next;
	uint8_t text[TEXT_MAX];
	uint32_t n;
	unsigned int heard; /* replies in it that were counted */
};

static struct said streams[STREAMS];
static unsigned int n_streams;

static struct said *stream_of(const uint8_t key[36])
{
	unsigned int i = 0;

	while (i < n_streams && memcmp(streams[i].key, key, 36))
		i++;
	assert_true(i < STREAMS);
	if (i == n_streams) {
		n_streams++;
		memcpy(streams[i].key, key, 36);
		streams[i].there = false;
	}
	return &streams[i];
}

/* Counts what the text has in it by now. */
static void hear(struct said *s, uint32_t frame_len)
{
	static struct record rec;

	read_naively(s->text, s->n, &rec);
	for (; s->heard < rec.n; s->heard++) {
		const struct heard *h = &rec.heard[s->heard];

		if (h->verdict == REPLY_COUNT)
			expect(COUNTER_FAILURE, 0);
		else if (h->verdict == REPLY_CREDIT)
			expect(COUNTER_SUCCESS, 0);
		else if (h->verdict == REPLY_IGNORED_BY_TEXT)
			expect(COUNTER_TEXT_IGNORED, 0);
		else if (h->verdict == REPLY_ENCRYPTED) {
			expect(COUNTER_ENCRYPTED, frame_len);
			s->tls = true;
		}
	}
}

static void sense_segment(struct said *s, const struct frame_in *f,
			  uint32_t seq, uint32_t off, uint32_t end)
{
	uint32_t seen = 0, len = end - off;

	if (!s->there) {
		s->there = true;
		s->tls = false;
		s->n = s->heard = 0;
	} else if (s->tls) {
		expect(COUNTER_ENCRYPTED, f->n);
		return;
	} else if ((int32_t)(s->next - seq) < 0) {
		expect(COUNTER_STREAM_GAP, f->n);
		s->n = s->heard = 0;
	} else if (s->next - seq >= len) {
		expect(COUNTER_RETRANSMIT, f->n);
		return;
	} else {
		seen = s->next - seq;
	}
	s->next = seq + len;
	assert_true(s->n + len - seen <= TEXT_MAX);
	memcpy(s->text + s->n, f->byte + off + seen, len - seen);
	s->n += len - seen;
	hear(s, f->n);
}

static void sense(const struct frame_in *f, bool raw)
{
	struct found p = read_raw_or_not(f, raw);
	uint32_t doff, flags, off, end;
	uint8_t key[36];
	struct said *s;

	if (p.result == PARSE_OK && p.proto == IPPROTO_TCP &&
	    lacks(f, p.l4 + 20))
		p.result = PARSE_TRUNCATED;
	if (p.result != PARSE_OK) {
		expect(COUNTER_OUT_TRUNCATED + p.result, f->n);
		return;
	}
	if (p.proto != IPPROTO_TCP || !is_mail(number(f, p.l4)))
		return;
	memcpy(key, p.src, 16);
	memcpy(key + 16, p.dst, 16);
	memcpy(key + 32, f->byte + p.l4, 4);
	s = stream_of(key);
	doff = f->byte[p.l4 + 12] / 16;
	flags = f->byte[p.l4 + 13];
	if (flags & TCP_SYN) {
		s->there = false;
		return;
	}
	off = p.l4 + doff * 4;
	end = p.l3_len ? p.l3 + p.l3_len : f->n;
	if (doff < 5 || off > end)
		expect(COUNTER_OUT_BAD_TCP, f->n);
	else if (end > f->n)
		expect(COUNTER_OUT_TRUNCATED, f->n);
	else if (off < end)
		sense_segment(s, f,
			      number(f, p.l4 + 4) << 16 | number(f, p.l4 + 6),
			      off, end);
}

/* A connection as the dice make it: what is to be said, and where it is. */
struct saying {
	struct flow flow;
	bool v6;
	uint32_t seq;
	uint32_t said; /* since it began */
	char text[2048];
	uint32_t n, at;
};

static void say_more(struct saying *t)
{
	static const char *const odd[] = {
		"535 x\r\n",
		"535-a\r\n535 b\r\n",
		"538\r\n",
		"235\n",
		"550 x\r\n",
		"235-no\r\n235 \r\n",
		"\r\n",
		"53",
		"5 535 x\r\n",
		"250-x\r\n",
		"535\n",
		"\n",
		"454 4.7.0 Bad password\r\n",
		TEXT_AS_LONG_AS_CAN_BE "\r\n",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"535 yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
		"535 zzzzzzz\r\n",
	};

	t->n = t->at = 0;
	for (int k = dice(4); k >= 0; k--) {
		const char *text =
			dice(2) ? odd[dice(ARRAY_SIZE(odd))] :
				  servers[dice(ARRAY_SIZE(servers))].stream;

		t->n += sprintf(t->text + t->n, "%s", text);
	}
	if (!dice(200))
		t->n = sprintf(t->text, "\x16\x03\x03%c%c\x02", 0, 60);
}

static void begin_talk(struct saying *t, int number)
{
	static const uint16_t ports[] = { 25, 465, 587, 2525 };

	t->v6 = number & 1;
	t->flow = (struct flow){ .src = address(t->v6, 1, 0, 1),
				 .dst = address(t->v6, 3, number, 1),
				 .sport = ports[dice(4)],
				 .dport = 1024 + number };
	t->seq = dice(4) ? dice_roll() : -dice(300);
	t->n = t->at = t->said = 0;
}

/* The next frame of a connection: the next bytes, or some again, or a gap. */
static uint32_t next_frame(struct saying *t, bool raw)
{
	struct shape s = *any_shape(raw);
	uint32_t from, len, n;

	if (t->said > TEXT_MAX - 1024) {
		static const struct shape syn[] = {
			{ .flags = TCP_SYN }, { .flags = TCP_SYN, .v6 = true }
		};

		frame_build(&frame, &syn[t->v6], &t->flow, raw, t->seq - 1,
			    NULL, 0);
		t->said = 0;
		return frame.len;
	}
	if (t->at == t->n)
		say_more(t);
	while (s.v6 != t->v6 || !shape_fits(&s, raw))
		s = *any_shape(raw);
	from = t->at;
	len = dice_range(1, dice(3) ? t->n - from : dice(t->n - from) + 1);
	if (!dice(12))
		from -= dice(from + 1); /* again */
	else if (!dice(60) && from + 1 < t->n)
		from += dice(t->n - from);
	if (from + len > t->n)
		len = t->n - from;
	n = make_frame(&s, &t->flow, raw, t->seq + from, t->text + from, len);
	t->said += len;
	/* it was lost if it is broken: is sent again, or makes a gap */
	if (from + len > t->at && (n == frame.len || dice(4)))
		t->at = from + len;
	if (t->at == t->n)
		t->seq += t->n;
	return n;
}

static void test_sensor(void **state)
{
	struct lab *lab = lab_of(state);
	static struct saying talks[TALKS];
	unsigned long n = packets(), failures = 0, refused = 0;

	for (unsigned long i = 0; i < n; i++) {
		struct saying *t;
		uint32_t len, got;
		bool raw;

		if (i % (BATCH * EPOCH) == 0 || n_streams > STREAMS / 2) {
			failures += want[COUNTER_FAILURE].packets;
			must_count(lab, i);
			lab_reset(lab);
			for (size_t k = 0; k < ARRAY_SIZE(literals); k++)
				settings_text(&lab->s, literals[k].text,
					      literals[k].action);
			lab->s.net[1].failures = 0;
			settings_rate(&lab->s, 64, 120);
			lab_apply(lab);
			n_streams = 0;
			for (int k = 0; k < TALKS; k++)
				begin_talk(&talks[k], k);
		} else if (i % BATCH == 0) {
			failures += want[COUNTER_FAILURE].packets;
			must_count(lab, i);
			map_clear(lab->skel->maps.clients);
		}
		t = &talks[dice(TALKS)];
		raw = dice(3) == 0;
		len = next_frame(t, raw);
		if (!run_try(raw ? lab->skel->progs.detect_raw :
				   lab->skel->progs.detect_ethernet,
			     frame.data, len, &got)) {
			refused++;
			continue;
		}
		assert_int_equal(got, UNSPEC);
		sense(&(struct frame_in){ frame.data, len }, raw);
		/* whatever it is, the other half does not care for it */
		if (!dice(4) &&
		    run_try(lab->skel->progs.listen, frame.data, len, &got))
			assert_int_equal(got, UNSPEC);
	}
	must_count(lab, n);
	printf("# %lu frames, %lu failures, %lu refused by the kernel\n", n,
	       failures, refused);
	assert_in_range(failures, n / 50, n);
	assert_in_range(refused, 0, n / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_sensor),
	};

	return cmocka_run_group_tests_name("reference", tests, lab_setup,
					   lab_teardown);
}

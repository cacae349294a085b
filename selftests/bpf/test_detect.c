// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor (bpf/detect.bpf.c), packet by packet: every header shape,
 * every truncation of it, and whose packets are read at all.
 */
#include "lib/harness.h"

#define REPLY "535 5.7.8 Error: authentication failed\r\n"

static struct frame frame;

static struct flow flow_of(bool v6, uint16_t sport, uint16_t dport)
{
	return (struct flow){ .src = address(v6, 1, 0, 1),
			      .dst = address(v6, 2, 0, 7),
			      .sport = sport,
			      .dport = dport };
}

static const struct bpf_program *sensor(const struct lab *lab, bool raw)
{
	return raw ? lab->skel->progs.detect_raw :
		     lab->skel->progs.detect_ethernet;
}

/* Which counter rises by one for the first `len` bytes; COUNTERS_MAX: none. */
static enum counter expected(const struct shape *s, const struct frame *f,
			     uint32_t len, bool mail)
{
	uint32_t tcp_end = f->l4 + (s->doff ? s->doff : 5) * 4;
	uint32_t stop = f->stop == UINT32_MAX ? len : f->stop;

	if (len < f->settled)
		return COUNTER_OUT_TRUNCATED;
	if (s->why)
		return s->why;
	if (s->proto)
		return COUNTERS_MAX;
	if (len < f->l4 + 20)
		return COUNTER_OUT_TRUNCATED;
	if (!mail)
		return COUNTERS_MAX;
	if (tcp_end < f->l4 + 20 || tcp_end > stop)
		return COUNTER_OUT_BAD_TCP;
	if (stop > len)
		return COUNTER_OUT_TRUNCATED;
	/* Without its end, it's the beginning of a reply, and no more. */
	return stop >= f->payload + strlen(REPLY) ? COUNTER_FAILURE :
						    COUNTERS_MAX;
}

static void check_frame(struct lab *lab, const struct shape *s, bool raw,
			bool mail, uint32_t len)
{
	enum counter want = expected(s, &frame, len, mail);
	struct rise rise = { want, 1, want == COUNTER_FAILURE ? 0 : len };
	uint32_t verdict;
	char what[128];

	if (!run_try(sensor(lab, raw), frame.data, len, &verdict)) {
		/* See test_detect_wire.c for these. */
		assert_true(!raw && len < frame.l3 + (s->v6 ? 40 : 20));
		return;
	}
	snprintf(what, sizeof(what), "%s%s, %u of %u bytes", s->name,
		 raw ? ", raw" : "", len, frame.len);
	if (verdict != UNSPEC)
		fail_msg("%s: not TC_ACT_UNSPEC", what);
	counters_are(lab, what, &rise, want != COUNTERS_MAX);
	if (map_count(lab->skel->maps.clients) != (want == COUNTER_FAILURE))
		fail_msg("%s: %u clients", what,
			 map_count(lab->skel->maps.clients));
	map_clear(lab->skel->maps.clients);
	map_clear(lab->skel->maps.streams);
	if (want != COUNTERS_MAX)
		counters_clear(lab);
}

/* Both programs, mail port or not, whole and cut off after every byte. */
static void test_shapes(void **state)
{
	struct lab *lab = lab_of(state);
	unsigned int frames = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shapes) * 4; i++) {
		const struct shape *s = &shapes[i / 4];
		bool raw = i & 1, mail = i & 2;
		struct flow flow = flow_of(s->v6, mail ? 587 : 26, 40000);

		if (!shape_fits(s, raw))
			continue;
		frame_build(&frame, s, &flow, raw, 1000, REPLY, strlen(REPLY));
		for (uint32_t len = FRAME_MIN; len <= frame.len; len++) {
			/* Of long runs of padding, the ends are enough. */
			if (len > 400 && len < frame.len - 200 && len % 61)
				continue;
			check_frame(lab, s, raw, mail, len);
			frames++;
		}
	}
	printf("# %u frames\n", frames);
	assert_true(frames > 10000);
}

/* Random bytes, and frames with random bytes in their headers. */
static void test_garbage(void **state)
{
	struct lab *lab = lab_of(state);
	uint64_t failures;

	for (int i = 0; i < 40000; i++) {
		const struct shape *s = &shapes[dice(ARRAY_SIZE(shapes))];
		bool raw = dice(2);
		struct flow flow = flow_of(s->v6, 25, 40000 + i % 1000);
		uint32_t len, verdict;

		frame_build(&frame, s, &flow, raw, 1000, REPLY, strlen(REPLY));
		len = dice(4) ? frame.len : dice_range(FRAME_MIN, frame.len);
		for (int n = dice(6); n > 0; n--)
			frame.data[dice(dice(2) ? 64 : len)] = dice(256);
		if (run_try(sensor(lab, raw), frame.data, len, &verdict))
			assert_int_equal(verdict, UNSPEC);
	}
	failures = counted(lab, COUNTER_FAILURE) +
		   counted(lab, COUNTER_FAILURE_BANNED);
	printf("# %llu of the damaged frames count\n",
	       (unsigned long long)failures);
	assert_true(failures > 1000 && failures < 36000);
}

/* All 65536 source ports: those that are mail, and no others. */
static void test_source_ports(void **state)
{
	struct lab *lab = lab_of(state);

	for (uint32_t port = 0; port < 65536; port++) {
		bool mail = port == 25 || port == 465 || port == 587 ||
			    port == 2525;
		struct flow flow = flow_of(false, port, 40000);
		struct rise rise = { COUNTER_FAILURE, 1, 0 };

		frame_build(&frame, &shapes[0], &flow, false, 1000, REPLY,
			    strlen(REPLY));
		run_bytes(sensor(lab, false), frame.data, frame.len);
		if (!mail && port % 64)
			continue;
		counters_are(lab, "source port", &rise, mail);
		counters_clear(lab);
	}
}

/* What a relay sends to others' mail ports: no text in it is a reply. */
static void test_outgoing_mail(void **state)
{
	static const char *const data[] = {
		REPLY,
		"Subject: x\r\n\r\nThey said:\r\n" REPLY REPLY "\r\n.\r\n",
		"535\r\n",
		"EHLO x\r\n535 5.7.8 x\r\n",
	};
	static const uint16_t ports[] = { 25, 587, 465, 2525 };
	struct lab *lab = lab_of(state);

	for (size_t p = 0; p < ARRAY_SIZE(ports); p++) {
		for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
			struct flow flow = flow_of(p % 2, 50000, ports[p]);

			frame_build(&frame, &shapes[p % 2], &flow, false, 1,
				    data[i], strlen(data[i]));
			run_bytes(sensor(lab, false), frame.data, frame.len);
		}
	}
	counters_are(lab, "outgoing mail", NULL, 0);
	assert_int_equal(map_count(lab->skel->maps.streams), 0);
	assert_int_equal(map_count(lab->skel->maps.clients), 0);
}

/* TCP's flags don't matter, but for SYN: its "payload" isn't read. */
static void test_flags(void **state)
{
	struct lab *lab = lab_of(state);

	for (unsigned int flags = 1; flags < 256; flags++) {
		struct shape s = { .name = "flags", .flags = flags };
		struct flow flow = flow_of(false, 25, 40000);
		struct rise rise = { COUNTER_FAILURE, 1, 0 };

		frame_build(&frame, &s, &flow, false, 1, REPLY, strlen(REPLY));
		run_bytes(sensor(lab, false), frame.data, frame.len);
		counters_are(lab, "flags", &rise, !(flags & TCP_SYN));
		counters_clear(lab);
		map_clear(lab->skel->maps.streams);
		map_clear(lab->skel->maps.clients);
	}
}

/* No payload: no stream, no counter. */
static void test_no_payload(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct flow flow = flow_of(shapes[i].v6, 25, 40000);

		if (shapes[i].why || shapes[i].trailer || shapes[i].ip_len ||
		    shapes[i].len_add || (shapes[i].doff && shapes[i].doff < 5))
			continue;
		frame_build(&frame, &shapes[i], &flow, false, 1, NULL, 0);
		run_bytes(sensor(lab, false), frame.data, frame.len);
		counters_are(lab, shapes[i].name, NULL, 0);
	}
	assert_int_equal(map_count(lab->skel->maps.streams), 0);
}

/* Whose failure it is: the peer, masked to his network. */
static void test_client_key(void **state)
{
	static const struct {
		bool v6;
		int len; /* as people write it */
		uint8_t differs; /* in this byte ... */
		bool same; /* ... the same client all the same */
	} rows[] = {
		{ false, 32, 15, false }, { false, 24, 15, true },
		{ false, 24, 14, false }, { false, 16, 14, true },
		{ false, 8, 13, true },	  { true, 64, 15, true },
		{ true, 64, 8, true },	  { true, 64, 7, false },
		{ true, 48, 7, true },	  { true, 48, 6, true },
		{ true, 48, 5, false },	  { true, 128, 15, false },
	};
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct flow flow = flow_of(rows[i].v6, 25, 40000);
		const struct shape *s = &shapes[rows[i].v6];
		struct client c;
		struct net key;

		lab_reset(lab);
		settings_prefix(&lab->s, rows[i].v6, rows[i].len);
		lab_apply(lab);
		frame_build(&frame, s, &flow, false, 1, REPLY, strlen(REPLY));
		run_bytes(sensor(lab, false), frame.data, frame.len);
		key = network(&flow.dst, lab->s.client_len[rows[i].v6]);
		assert_true(client_get(lab, (struct addr *)key.addr, &c));
		assert_int_equal(c.len, lab->s.client_len[rows[i].v6]);
		assert_int_equal(c.failures, 1);
		assert_int_equal(c.last_code, 535);
		flow.dst.b[rows[i].differs] ^= 0x80;
		flow.sport = 587;
		frame_build(&frame, s, &flow, false, 1, REPLY, strlen(REPLY));
		run_bytes(sensor(lab, false), frame.data, frame.len);
		assert_int_equal(map_count(lab->skel->maps.clients),
				 rows[i].same ? 1 : 2);
		assert_true(client_get(lab, (struct addr *)key.addr, &c));
		assert_int_equal(c.head, rows[i].same ? 2 : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_source_ports),
		cmocka_unit_test(test_outgoing_mail),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_no_payload),
		cmocka_unit_test(test_client_key),
	};

	return cmocka_run_group_tests_name("detect", tests, lab_setup,
					   lab_teardown);
}

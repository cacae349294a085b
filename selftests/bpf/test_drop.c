// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The gate (bpf/drop.bpf.c): every header shape and every truncation of it,
 * who is banned, who is allowlisted, what is for the mail server, and that all
 * of it is counted to the byte.
 */
#include <linux/bpf.h>

#include "maps/ban_nets.h"
#include "lib/harness.h"

#define PAYLOAD "AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n"
#define FOREVER 1000000000 /* jiffies */

static struct frame frame;

static struct flow flow_of(bool v6, uint16_t dport)
{
	return (struct flow){ .src = address(v6, 2, 0, 7),
			      .dst = address(v6, 1, 0, 1),
			      .sport = 40000,
			      .dport = dport };
}

static const struct bpf_program *gate(const struct lab *lab, bool raw)
{
	return raw ? lab->skel->progs.drop_raw : lab->skel->progs.drop_ethernet;
}

/* Bans the client of an address; lasts: jiffies from now, may be negative. */
static struct addr ban_client_of(struct lab *lab, const struct addr *a,
				 int64_t lasts, uint8_t flags)
{
	int64_t late = lasts > 0 ? 0 : ban_tick(lab); /* expires is rounded */
	struct ban b = { .expires = lab_clock(lab).jiffies + lasts - late,
			 .flags = flags };
	struct net net = client_at(&lab->pins, a);

	ban_set(lab, a, &b);
	return net_addr(&net);
}

/* Bans a network; len of 128. */
static void ban_network(struct lab *lab, const struct addr *a, uint8_t len,
			int64_t lasts, uint8_t flags)
{
	struct ban b = { .expires = lab_clock(lab).jiffies + lasts,
			 .flags = flags };
	struct net key = network(a, len);

	assert_int_equal(ban_nets_put(&lab->pins, &key, &b), 0);
	lab->s.have_ban_nets = 1;
	lab_apply(lab);
}

static void ban_net_get(const struct lab *lab, const struct addr *a,
			uint8_t len, struct ban *b)
{
	struct net key = network(a, len);

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(lab->skel->maps.ban_nets), &key,
				    b),
		0);
}

/* What must rise for the first `len` bytes, and the verdict. */
static uint32_t expected(const struct shape *s, const struct frame *f,
			 uint32_t len, bool banned, bool mail_port,
			 enum scope scope, struct rise *rise, size_t *n)
{
	bool mail = !s->proto && mail_port;

	*n = 0;
	if (len < f->settled) {
		rise[(*n)++] = (struct rise){ COUNTER_IN_TRUNCATED, 1, len };
		return XDP_PASS;
	}
	if (s->why) {
		enum counter why =
			s->why - COUNTER_OUT_TRUNCATED + COUNTER_IN_TRUNCATED;

		rise[(*n)++] = (struct rise){ why, 1, len };
		if (why != COUNTER_IN_FRAGMENT && why != COUNTER_IN_EXT_HEADERS)
			return XDP_PASS;
		mail = true; /* it can't be told */
	} else if (scope == SCOPE_MAIL && !s->proto && len < f->l4 + 4) {
		/* No ports: can't be told, either, but no host would take it.
		 */
		rise[(*n)++] = (struct rise){ COUNTER_IN_TRUNCATED, 1, len };
		return XDP_PASS;
	}
	if (!banned || (scope == SCOPE_MAIL && !mail))
		return XDP_PASS;
	rise[(*n)++] = (struct rise){ COUNTER_DROP_BAN, 1, len };
	return XDP_DROP;
}

/* Both programs, both scopes, banned or not, cut off after every byte. */
static void test_shapes(void **state)
{
	struct lab *lab = lab_of(state);
	unsigned int frames = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shapes) * 16; i++) {
		const struct shape *s = &shapes[i / 16];
		bool raw = i & 1, banned = i & 2, mail = i & 4;
		struct flow flow = flow_of(s->v6, mail ? 25 : 26);

		if (!shape_fits(s, raw))
			continue;
		lab->s.scope = i & 8 ? SCOPE_ALL : SCOPE_MAIL;
		lab_apply(lab);
		bans_clear(lab);
		if (banned)
			ban_client_of(lab, &flow.src, FOREVER, 0);
		frame_build(&frame, s, &flow, raw, 1, PAYLOAD, strlen(PAYLOAD));
		for (uint32_t len = FRAME_MIN; len <= frame.len; len++) {
			uint32_t want, got;
			struct rise rise[2];
			char what[128];
			size_t n;

			if (len > 400 && len < frame.len - 200 && len % 61)
				continue;
			snprintf(
				what, sizeof(what),
				"%s%s, %u of %u bytes, %sbanned, port %u, scope %u",
				s->name, raw ? ", raw" : "", len, frame.len,
				banned ? "" : "not ", flow.dport, lab->s.scope);
			got = run_bytes(gate(lab, raw), frame.data, len);
			want = expected(s, &frame, len, banned, mail,
					lab->s.scope, rise, &n);
			if (got != want)
				fail_msg("%s: verdict %u, not %u", what, got,
					 want);
			counters_are(lab, what, rise, n);
			if (n)
				counters_clear(lab);
			frames++;
		}
	}
	printf("# %u frames\n", frames);
	assert_true(frames > 50000);
}

static void test_garbage(void **state)
{
	struct lab *lab = lab_of(state);
	unsigned int dropped = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		struct flow flow = flow_of(v6, 25);

		ban_client_of(lab, &flow.src, FOREVER, 0);
	}
	for (int i = 0; i < 50000; i++) {
		const struct shape *s = &shapes[dice(ARRAY_SIZE(shapes))];
		struct flow flow = flow_of(s->v6, 25);
		bool raw = dice(2);
		uint32_t len, got;

		frame_build(&frame, s, &flow, raw, 1, PAYLOAD, strlen(PAYLOAD));
		len = dice(4) ? frame.len : dice_range(FRAME_MIN, frame.len);
		for (int n = dice(6); n > 0; n--)
			frame.data[dice(dice(2) ? 64 : len)] = dice(256);
		got = run_bytes(gate(lab, raw), frame.data, len);
		assert_true(got == XDP_PASS || got == XDP_DROP);
		dropped += got == XDP_DROP;
	}
	assert_int_equal(counted(lab, COUNTER_DROP_BAN), dropped);
	assert_in_range(dropped, 1000, 45000);
}

static uint32_t send_from(struct lab *lab, const struct addr *src,
			  uint16_t dport)
{
	struct flow flow = flow_of(!addr_is_v4(src), dport);

	flow.src = *src;
	frame_build(&frame, &shapes[!addr_is_v4(src)], &flow, false, 1, PAYLOAD,
		    strlen(PAYLOAD));
	return run_bytes(gate(lab, false), frame.data, frame.len);
}

/* All destination ports in scope mail: those that are mail, and no others. */
static void test_ports(void **state)
{
	struct lab *lab = lab_of(state);
	struct flow flow = flow_of(false, 0);

	ban_client_of(lab, &flow.src, FOREVER, 0);
	for (uint32_t port = 0; port < 65536; port++) {
		bool mail = port == 25 || port == 465 || port == 587 ||
			    port == 2525;

		assert_int_equal(send_from(lab, &flow.src, port),
				 mail ? XDP_DROP : XDP_PASS);
	}
	assert_int_equal(counted(lab, COUNTER_DROP_BAN), 4);
	lab->s.scope = SCOPE_ALL;
	lab_apply(lab);
	assert_int_equal(send_from(lab, &flow.src, 22), XDP_DROP);
}

/* A ban may leave port 25 open, and only that: by each shape of header. */
static void test_spared(void **state)
{
	struct lab *lab = lab_of(state);
	struct rise all[] = { { COUNTER_PASS_SPARED, 0, 0 },
			      { COUNTER_DROP_BAN, 0, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(shapes) * 8; i++) {
		const struct shape *s = &shapes[i / 8];
		bool raw = i & 1, delivery = i & 2, spares = i & 4, passes;
		struct flow flow = flow_of(s->v6, delivery ? 25 : 587);

		if (!shape_fits(s, raw) || s->proto)
			continue;
		bans_clear(lab);
		ban_client_of(lab, &flow.src, FOREVER, spares ? BAN_SPARES : 0);
		frame_build(&frame, s, &flow, raw, 1, PAYLOAD, strlen(PAYLOAD));
		if (s->why && s->why != COUNTER_OUT_FRAGMENT &&
		    s->why != COUNTER_OUT_EXT_HEADERS)
			continue;
		/* whose port is not known does not pass */
		passes = delivery && spares && !s->why;
		if (run_bytes(gate(lab, raw), frame.data, frame.len) !=
		    (passes ? XDP_PASS : XDP_DROP))
			fail_msg("%s: port %u, %sspared", s->name, flow.dport,
				 spares ? "" : "not ");
		all[!passes].packets++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(counted(lab, all[i].id), all[i].packets);
	assert_true(all[0].packets > 5);
}

/* The flag alone leaves nothing open: not with a list of ports, nor scope all. */
static void test_spared_not(void **state)
{
	struct lab *lab = lab_of(state);
	struct flow flow = flow_of(false, 25);
	struct net net;

	lab->s.spares = 0;
	lab_apply(lab);
	ban_client_of(lab, &flow.src, FOREVER, BAN_SPARES);
	assert_int_equal(send_from(lab, &flow.src, 25), XDP_DROP);
	lab->s.spares = 1;
	lab->s.scope = SCOPE_ALL;
	lab_apply(lab);
	assert_int_equal(send_from(lab, &flow.src, 25), XDP_DROP);
	lab->s.scope = SCOPE_MAIL;
	lab->s.closed[0] = 0;
	lab_apply(lab);
	assert_int_equal(send_from(lab, &flow.src, 25), XDP_PASS);
	assert_int_equal(send_from(lab, &flow.src, 587), XDP_DROP);
	assert_int_equal(counted(lab, COUNTER_PASS_SPARED), 0);
	net = client_at(&lab->pins, &flow.src);
	assert_int_equal(banlist_remove(&lab->pins, &net), 0);
}

/* UDP to port 25 is not mail; a fragment that might be is. */
static void test_not_tcp(void **state)
{
	static const struct shape udp = { .name = "UDP", .proto = IPPROTO_UDP };
	static const struct shape later = { .name = "UDP, later fragment",
					    .proto = IPPROTO_UDP,
					    .frag = 100,
					    .why = COUNTER_OUT_FRAGMENT };
	struct lab *lab = lab_of(state);
	struct flow flow = flow_of(false, 25);

	ban_client_of(lab, &flow.src, FOREVER, 0);
	frame_build(&frame, &udp, &flow, false, 1, PAYLOAD, 20);
	assert_int_equal(run_bytes(gate(lab, false), frame.data, frame.len),
			 XDP_PASS);
	counters_only(lab, "UDP", { COUNTER_DROP_BAN, 0, 0 });
	frame_build(&frame, &later, &flow, false, 1, PAYLOAD, 20);
	assert_int_equal(run_bytes(gate(lab, false), frame.data, frame.len),
			 XDP_DROP);
	lab->s.scope = SCOPE_ALL;
	lab_apply(lab);
	frame_build(&frame, &udp, &flow, false, 1, PAYLOAD, 20);
	assert_int_equal(run_bytes(gate(lab, false), frame.data, frame.len),
			 XDP_DROP);
}

/* Whose packets: the client's network, and nobody else's. */
static void test_client_networks(void **state)
{
	struct lab *lab = lab_of(state);

	for (int v6 = 0; v6 < 2; v6++) {
		for (int len = 8; len <= (v6 ? 128 : 32); len += v6 ? 8 : 1) {
			int bits = len + (v6 ? 0 : ADDR_V4_BITS);
			struct addr a = address(v6, 2, 3, 7), b;

			lab_reset(lab);
			settings_prefix(&lab->s, v6, len);
			lab_apply(lab);
			ban_client_of(lab, &a, FOREVER, 0);
			for (int i = v6 ? 0 : ADDR_V4_BITS; i < 128; i++) {
				b = a;
				b.b[i / 8] ^= 0x80 >> i % 8;
				assert_int_equal(send_from(lab, &b, 25),
						 i < bits ? XDP_PASS :
							    XDP_DROP);
			}
			assert_int_equal(send_from(lab, &a, 25), XDP_DROP);
		}
	}
}

/* The last jiffy of a ban, and the first without it. */
static void test_expiry(void **state)
{
	struct lab *lab = lab_of(state);
	struct addr a = address(false, 2, 0, 7);
	struct clock_pair now;
	bool held = false;

	for (int lasts = -3; lasts <= 0; lasts++) {
		ban_client_of(lab, &a, lasts, 0);
		assert_int_equal(send_from(lab, &a, 25), XDP_PASS);
	}
	assert_int_equal(counted(lab, COUNTER_PASS_EXPIRED), 4);
	ban_client_of(lab, &a, 10, 0);
	now = lab_clock(lab);
	/* A ban may last a tick of the table longer. */
	for (uint64_t end = now.jiffies + 100; now.jiffies < end;) {
		struct clock_pair before = lab_clock(lab);
		uint32_t verdict = send_from(lab, &a, 25);
		struct ban b;

		now = lab_clock(lab);
		assert_true(ban_get(lab, &a, &b));
		if (now.jiffies < b.expires)
			assert_int_equal(verdict, XDP_DROP);
		if (before.jiffies >= b.expires + ban_tick(lab))
			assert_int_equal(verdict, XDP_PASS);
		held |= verdict == XDP_DROP;
	}
	assert_true(held);
}

/* Packets and bytes, of each ban and in total. */
static void test_counting(void **state)
{
	struct lab *lab = lab_of(state);
	uint64_t bytes[3] = {}, total = 0;
	struct addr a[3];
	struct ban b;

	for (int i = 0; i < 2; i++) {
		a[i] = address(i, 2, 0, i);
		a[i] = ban_client_of(lab, &a[i], FOREVER, 0);
	}
	a[2] = address(false, 3, 0, 9);
	ban_network(lab, &a[2], 112, FOREVER, 0);
	for (int i = 0; i < 3000; i++) {
		int who = dice(3);

		assert_int_equal(send_from(lab, &a[who], 25), XDP_DROP);
		bytes[who] += frame.len;
	}
	for (int i = 0; i < 2; i++) {
		assert_true(ban_get(lab, &a[i], &b));
		assert_int_equal(b.bytes, bytes[i]);
		total += b.packets;
	}
	ban_net_get(lab, &a[2], 112, &b);
	assert_int_equal(b.bytes, bytes[2]);
	assert_int_equal(total + b.packets, 3000);
	counters_only(lab, "drops",
		      { COUNTER_DROP_BAN, total, bytes[0] + bytes[1] },
		      { COUNTER_DROP_NET, b.packets, bytes[2] });
}

/* A frame in several buffers: all of its bytes are dropped, so all count. */
static void test_jumbo_frame(void **state)
{
	static uint8_t payload[16000];
	struct lab *lab = lab_of(state);
	struct flow flow = flow_of(false, 25);
	struct addr client = ban_client_of(lab, &flow.src, FOREVER, 0);
	struct ban b;

	frame_build(&frame, &shapes[0], &flow, false, 1, payload,
		    sizeof(payload));
	assert_int_equal(run_bytes(gate(lab, false), frame.data, frame.len),
			 XDP_DROP);
	counters_only(lab, "jumbo frame", { COUNTER_DROP_BAN, 1, frame.len });
	assert_true(ban_get(lab, &client, &b));
	assert_int_equal(b.bytes, frame.len);
}

struct net_row {
	const char *name;
	struct {
		uint8_t len; /* of 128; 0: none */
		bool active;
	} nets[10];
	bool exact, exact_active;
	uint32_t verdict;
	uint8_t hit; /* length of the one that drops */
};

/* The most specific one that holds, whatever has run out in front of it. */
static void test_networks(void **state)
{
	static const struct net_row rows[] = {
		{ "none but another's", .verdict = XDP_PASS },
		{ "a /24", { { 120, true } }, .verdict = XDP_DROP, .hit = 120 },
		{ "a /24 that ran out",
		  { { 120, false } },
		  .verdict = XDP_PASS },
		{ "/25 that ran out in a /24",
		  { { 121, false }, { 120, true } },
		  .verdict = XDP_DROP,
		  .hit = 120 },
		{ "/25 in a /24 that ran out",
		  { { 121, true }, { 120, false } },
		  .verdict = XDP_DROP,
		  .hit = 121 },
		{ "/25 in a /24",
		  { { 121, true }, { 120, true } },
		  .verdict = XDP_DROP,
		  .hit = 121 },
		{ "/32", { { 128, true } }, .verdict = XDP_DROP, .hit = 128 },
		{ "/32 that ran out in a /8",
		  { { 128, false }, { 104, true } },
		  .verdict = XDP_DROP,
		  .hit = 104 },
		{ "seven that ran out, one that holds",
		  { { 128, false },
		    { 127, false },
		    { 126, false },
		    { 125, false },
		    { 124, false },
		    { 123, false },
		    { 122, false },
		    { 97, true } },
		  .verdict = XDP_DROP,
		  .hit = 97 },
		{ "all of IPv4",
		  { { 96, true } },
		  .verdict = XDP_DROP,
		  .hit = 96 },
		{ "client's ban ran out, network's holds",
		  { { 120, true } },
		  .exact = true,
		  .verdict = XDP_DROP,
		  .hit = 120 },
		{ "client's ban holds, network's ran out",
		  { { 120, false } },
		  .exact = true,
		  .exact_active = true,
		  .verdict = XDP_DROP },
		{ "both hold",
		  { { 120, true } },
		  .exact = true,
		  .exact_active = true,
		  .verdict = XDP_DROP },
	};
	struct lab *lab = lab_of(state);
	struct addr a = address(false, 2, 0, 127);
	struct addr other = address(false, 3, 0, 127);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct net_row *r = &rows[i];
		struct rise rise[1] = { { COUNTER_DROP_NET, 1, 0 } };
		struct ban b;
		size_t n = 0;

		lab_reset(lab);
		ban_network(lab, &other, 120, FOREVER, 0);
		for (; r->nets[n].len; n++)
			ban_network(lab, &a, r->nets[n].len,
				    r->nets[n].active ? FOREVER : 0, 0);
		if (r->exact)
			ban_client_of(lab, &a, r->exact_active ? FOREVER : 0,
				      0);
		if (send_from(lab, &a, 25) != r->verdict)
			fail_msg("%s: wrong verdict", r->name);
		if (r->verdict == XDP_PASS)
			continue;
		rise->bytes = frame.len;
		rise->id = r->hit ? COUNTER_DROP_NET : COUNTER_DROP_BAN;
		counters_are(lab, r->name, rise, 1);
		for (n = 0; r->nets[n].len; n++) {
			ban_net_get(lab, &a, r->nets[n].len, &b);
			assert_int_equal(b.packets, r->nets[n].len == r->hit);
		}
	}
}

/* Who is never dropped, and whom a ban by force drops all the same. */
static void test_allowlist(void **state)
{
	static const struct {
		uint32_t allow;
		uint8_t ban;
		uint32_t verdict;
	} rows[] = {
		{ ALLOW_COMMAND, 0, XDP_PASS },
		{ ALLOW_CONFIG, 0, XDP_PASS },
		{ ALLOW_SELF, 0, XDP_PASS },
		{ ALLOW_GATEWAY, 0, XDP_PASS },
		{ ALLOW_COMMAND, BAN_FORCED, XDP_PASS },
		{ ALLOW_CONFIG, BAN_FORCED, XDP_PASS },
		{ ALLOW_SELF, BAN_FORCED, XDP_DROP },
		{ ALLOW_GATEWAY, BAN_FORCED, XDP_DROP },
		{ ALLOW_SELF | ALLOW_GATEWAY, BAN_FORCED, XDP_DROP },
		{ ALLOW_SELF | ALLOW_COMMAND, BAN_FORCED, XDP_PASS },
		{ ALLOW_SELF, BAN_PROVISIONAL, XDP_PASS },
		{ ALLOW_SELF, BAN_FORCED | BAN_PROVISIONAL, XDP_DROP },
	};
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows) * 4; i++) {
		bool v6 = i & 1, by_net = i & 2;
		struct addr a = address(v6, 2, 0, 7), b = address(v6, 4, 0, 7);
		uint32_t verdict = rows[i / 4].verdict;

		lab_reset(lab);
		allow_put(lab, &a, v6 ? 48 : 116, rows[i / 4].allow);
		if (by_net) {
			ban_network(lab, &a, 32, FOREVER, rows[i / 4].ban);
			if (!v6)
				ban_network(lab, &a, 104, FOREVER,
					    rows[i / 4].ban);
		} else {
			ban_client_of(lab, &a, FOREVER, rows[i / 4].ban);
			ban_client_of(lab, &b, FOREVER, rows[i / 4].ban);
		}
		if (send_from(lab, &a, 25) != verdict)
			fail_msg("allow %u, ban %u: wrong verdict",
				 rows[i / 4].allow, rows[i / 4].ban);
		if (verdict == XDP_PASS)
			counters_only(lab, "allowlisted",
				      { COUNTER_PASS_ALLOWED, 1, frame.len });
		assert_int_equal(send_from(lab, &b, 25), XDP_DROP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_spared),
		cmocka_unit_test(test_spared_not),
		cmocka_unit_test(test_not_tcp),
		cmocka_unit_test(test_client_networks),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_jumbo_frame),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_allowlist),
	};

	return cmocka_run_group_tests_name("drop", tests, lab_setup,
					   lab_teardown);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a mail server says on one connection, segment by segment. */
#ifndef SELFTESTS_TALK_H
#define SELFTESTS_TALK_H

#include "lib/harness.h"
#include "login.h"

struct talk {
	struct lab *lab;
	struct flow flow;
	uint32_t seq; /* of the next byte */
	struct frame frame;
};

/* Sends a segment as the server does, first or again; seq stays. */
static inline void say_at(struct talk *t, uint32_t seq, const void *bytes,
			  uint32_t len)
{
	const struct shape *s = &shapes[!addr_is_v4(&t->flow.src)];

	frame_build(&t->frame, s, &t->flow, false, seq, bytes, len);
	assert_int_equal(run_bytes(t->lab->skel->progs.detect_ethernet,
				   t->frame.data, t->frame.len),
			 UNSPEC);
}

static inline void say_bytes(struct talk *t, const void *bytes, uint32_t len)
{
	say_at(t, t->seq, bytes, len);
	t->seq += len;
}

static inline void say(struct talk *t, const char *text)
{
	say_bytes(t, text, strlen(text));
}

/* Says the client's text from its byte number `seq` on. */
static inline void client_tells(struct talk *t, uint32_t seq, const char *text)
{
	const struct shape *s = &shapes[!addr_is_v4(&t->flow.src)];
	struct flow flow = { .src = t->flow.dst,
			     .dst = t->flow.src,
			     .sport = t->flow.dport,
			     .dport = t->flow.sport };

	frame_build(&t->frame, s, &flow, false, seq, text, strlen(text));
	assert_int_equal(run_bytes(t->lab->skel->progs.listen, t->frame.data,
				   t->frame.len),
			 UNSPEC);
}

/* SYN and ACK: the next byte will be number `seq`. */
static inline void say_hello(struct talk *t, uint32_t seq)
{
	static const struct shape syn[2] = {
		{ .flags = TCP_SYN | TCP_ACK },
		{ .flags = TCP_SYN | TCP_ACK, .v6 = true },
	};

	frame_build(&t->frame, &syn[!addr_is_v4(&t->flow.src)], &t->flow, false,
		    seq - 1, NULL, 0);
	assert_int_equal(run_bytes(t->lab->skel->progs.detect_ethernet,
				   t->frame.data, t->frame.len),
			 UNSPEC);
	t->seq = seq;
}

/* Connection number n of client c (0..65535 each): its handshake is done. */
static inline void talk_begin(struct talk *t, struct lab *lab, bool v6,
			      uint16_t c, uint16_t n, uint32_t seq)
{
	t->lab = lab;
	t->flow.src = address(v6, 1, 0, 1);
	t->flow.dst = address(v6, 2, c >> 8, c);
	if (v6) /* another /64 */
		t->flow.dst.b[6] = c;
	t->flow.sport = 25;
	t->flow.dport = n;
	say_hello(t, seq);
}

/* Makes the client one that has logged in for half a day. */
static inline void talk_make_regular(const struct talk *t)
{
	int fd = bpf_map__fd(t->lab->skel->maps.regulars);
	struct login l;

	assert_int_equal(bpf_map_lookup_elem(fd, &t->flow.dst, &l), 0);
	l.first = l.last - REGULAR_NS;
	assert_int_equal(bpf_map_update_elem(fd, &t->flow.dst, &l, BPF_EXIST),
			 0);
}

/* Is the client banned, or its /64? */
static inline bool talk_is_banned(const struct talk *t)
{
	struct addr key = t->flow.dst;
	struct ban b;

	if (!addr_is_v4(&key))
		key.q[1] = 0;
	return ban_get(t->lab, &key, &b);
}

#endif

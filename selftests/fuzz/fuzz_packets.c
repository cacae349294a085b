// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames: parse_packet(), parse_ext() and glance() against a reader that walks
 * the frame by offsets and knows no struct.
 *
 * Fuzzes: bpf/pure/parse.h
 */
#include "fuzz/fuzz.h"
#include "lib/frame_reader.h"
#include "lib/packet.h"

/* ---- the parser, called as the programs call it */

static long load(void *frame, __u32 off, void *to, __u32 len)
{
	const struct frame_in *f = frame;

	if (off > f->n || len > f->n - off)
		return -1;
	memcpy(to, f->byte + off, len);
	return 0;
}

static enum parse_result parse(struct frame_in *f, bool ethernet,
			       struct packet *p)
{
	void *data = (void *)f->byte;
	enum parse_result r = parse_packet(data, data + f->n, ethernet, p);

	return r == PARSE_OK && p->v6 ? parse_ext(f, load, f->n, &p->behind) :
					r;
}

static void compare(const struct packet *got, const struct found *want)
{
	if (want->result < PARSE_FRAGMENT)
		return;
	must(!memcmp(&got->src, want->src, 16));
	must(!memcmp(&got->dst, want->dst, 16));
	must(got->v6 == want->v6);
	must(got->behind.proto == want->proto);
	if (want->result == PARSE_FRAGMENT)
		return;
	must(got->l3 == want->l3);
	must(got->l3_len == want->l3_len);
	must(got->behind.l4 == want->l4);
}

static void compare_glance(const struct frame_in *f, bool ethernet,
			   const struct found *want)
{
	void *data = (void *)f->byte;
	struct addr src, dst;
	struct glance g;

	if (!glance(data, data + f->n, ethernet, &g))
		return;
	glance_src(&g, &src);
	glance_dst(&g, &dst);
	must(want->result == PARSE_OK);
	must(g.l3 == data + want->l3);
	must(g.v6 == want->v6);
	must(g.proto == want->proto);
	must(!memcmp(&src, want->src, 16));
	must(!memcmp(&dst, want->dst, 16));
	if (g.proto == IPPROTO_TCP)
		must((void *)g.tcp == data + want->l4);
}

/* As drivers do it: IP's header is aligned, behind Ethernet's 14 bytes, too. */
static void fuzz(struct input *in)
{
	bool ethernet = !(take_byte(in) & 1);
	uint32_t pad = ethernet ? 2 : 0;
	uint8_t *room = malloc(pad + in->left);
	struct frame_in f = { room + pad, in->left };
	struct packet got = {};
	struct found want;

	must(room);
	memcpy(room + pad, in->at, in->left);
	want = read_frame(&f, ethernet);
	must(parse(&f, ethernet, &got) == want.result);
	compare(&got, &want);
	compare_glance(&f, ethernet, &want);
	free(room);
}

static void seeds(void)
{
	static struct frame f;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		struct flow flow = { .src = address(s->v6, 1, 2, 3),
				     .dst = address(s->v6, 4, 5, 6),
				     .sport = 25,
				     .dport = 40000 };

		for (int raw = 0; raw < 2; raw++) {
			static uint8_t out[1 + FRAME_MAX];

			if (!shape_fits(s, raw))
				continue;
			frame_build(&f, s, &flow, raw, 1, "535 x\r\n", 7);
			out[0] = raw;
			memcpy(out + 1, f.data, f.len);
			seed(out, 1 + f.len);
		}
	}
}

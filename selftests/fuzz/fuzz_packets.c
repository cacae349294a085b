// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames: parse_packet(), parse_ext() and glance() against a reader that walks
 * the frame by offsets and knows no struct.
 *
 * Fuzzes: bpf/pure/parse.h
 */
#include "fuzz/fuzz.h"
#include "lib/packet.h"
#include "pure/parse.h"

/* ---- the reader */

struct frame_in {
	const uint8_t *byte;
	size_t n;
};

struct found {
	enum parse_result result;
	uint8_t src[16], dst[16];
	uint32_t l3, l3_len, l4, proto;
	bool v6;
};

static bool lacks(const struct frame_in *f, size_t end)
{
	return end > f->n;
}

static uint32_t number(const struct frame_in *f, size_t at)
{
	return f->byte[at] * 256 + f->byte[at + 1];
}

/* Sets *ip to the offset of IP's header, *type to its EtherType. */
static enum parse_result find_ip(const struct frame_in *f, bool ethernet,
				 size_t *ip, uint32_t *type)
{
	unsigned int tags = 0;

	*ip = 0;
	if (!ethernet) {
		if (lacks(f, 1))
			return PARSE_TRUNCATED;
		*type = f->byte[0] / 16 == 4 ? 0x0800 :
			f->byte[0] / 16 == 6 ? 0x86dd :
					       0;
		return *type ? PARSE_OK : PARSE_NOT_IP;
	}
	if (lacks(f, 14))
		return PARSE_TRUNCATED;
	for (*ip = 14;
	     *type = number(f, *ip - 2), *type == 0x8100 || *type == 0x88a8;
	     *ip += 4) {
		if (++tags == 3)
			return PARSE_VLAN_DEPTH;
		if (lacks(f, *ip + 4))
			return PARSE_TRUNCATED;
	}
	return PARSE_OK;
}

static enum parse_result read_v4(const struct frame_in *f, size_t ip,
				 struct found *p)
{
	uint32_t header, total;

	if (lacks(f, ip + 20))
		return PARSE_TRUNCATED;
	header = f->byte[ip] % 16 * 4;
	total = number(f, ip + 2);
	if (f->byte[ip] < 0x45 || f->byte[ip] > 0x4f ||
	    (total && total < header))
		return PARSE_BAD_IP;
	memcpy(p->src, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(p->dst, p->src, 12);
	memcpy(p->src + 12, f->byte + ip + 12, 4);
	memcpy(p->dst + 12, f->byte + ip + 16, 4);
	p->l3_len = total;
	p->proto = f->byte[ip + 9];
	p->l4 = ip + header;
	if (number(f, ip + 6) % 8192)
		return PARSE_FRAGMENT;
	return lacks(f, ip + header) ? PARSE_TRUNCATED : PARSE_OK;
}

static enum parse_result read_v6(const struct frame_in *f, size_t ip,
				 struct found *p)
{
	unsigned int headers = 0;
	size_t at = ip + 40;
	uint32_t next;

	if (lacks(f, at))
		return PARSE_TRUNCATED;
	if (f->byte[ip] / 16 != 6)
		return PARSE_BAD_IP;
	p->v6 = true;
	memcpy(p->src, f->byte + ip + 8, 16);
	memcpy(p->dst, f->byte + ip + 24, 16);
	p->l3_len = number(f, ip + 4) ? number(f, ip + 4) + 40 : 0;
	for (next = f->byte[ip + 6]; strchr("\x2b\x2c\x33\x3c", next) || !next;
	     headers++) {
		size_t len;

		if (headers == 8)
			return PARSE_EXT_HEADERS;
		if (lacks(f, at + 8))
			return PARSE_TRUNCATED;
		p->proto = next;
		if (next == 0x2c && number(f, at + 2) / 8)
			return PARSE_FRAGMENT;
		len = next == 0x2c ? 8 :
		      next == 0x33 ? f->byte[at + 1] * 4 + 8 :
				     f->byte[at + 1] * 8 + 8;
		next = f->byte[at];
		at += len;
		if (lacks(f, at))
			return PARSE_TRUNCATED;
	}
	p->proto = next;
	p->l4 = at;
	return PARSE_OK;
}

static struct found read_frame(const struct frame_in *f, bool ethernet)
{
	struct found p = {};
	uint32_t type;
	size_t ip;

	p.result = find_ip(f, ethernet, &ip, &type);
	if (p.result != PARSE_OK)
		return p;
	p.l3 = ip;
	p.result = type == 0x0800 ? read_v4(f, ip, &p) :
		   type == 0x86dd ? read_v6(f, ip, &p) :
				    PARSE_NOT_IP;
	return p;
}

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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reader of frames that goes by offsets and knows no struct, to compare
 * bpf/pure/parse.h with.
 */
#ifndef SELFTESTS_FRAME_READER_H
#define SELFTESTS_FRAME_READER_H

#include "lib/fixture.h"
#include "lib/packet.h"
#include "pure/parse.h"

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

static inline bool lacks(const struct frame_in *f, size_t end)
{
	return end > f->n;
}

static inline uint32_t number(const struct frame_in *f, size_t at)
{
	return f->byte[at] * 256 + f->byte[at + 1];
}

/* Sets *ip to the offset of IP's header, *type to its EtherType. */
static inline enum parse_result find_ip(const struct frame_in *f, bool ethernet,
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

static inline enum parse_result read_v4(const struct frame_in *f, size_t ip,
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

static inline enum parse_result read_v6(const struct frame_in *f, size_t ip,
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

static inline struct found read_frame(const struct frame_in *f, bool ethernet)
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

#endif

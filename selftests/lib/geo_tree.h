/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Databases in MaxMind's format, made in memory of networks that are known:
 * what a lookup and a walk have to find in them stands beside the tree.
 * (maxmind.github.io/MaxMind-DB)
 */
#ifndef SELFTESTS_GEO_TREE_H
#define SELFTESTS_GEO_TREE_H

#include <maxminddb.h>

#include "lib/fixture.h"

#define TREE_NODES 4096
#define TREE_NETS 8
#define TREE_EMPTY (-1) /* a record without data; else node or ~place - 1 */

/* A place as it stands in the data section, and what is to be read of it. */
static const struct tree_place {
	const char *data;
	size_t len;
	const char *country;
	uint32_t asn;
	const char *as_name;
} tree_places[] = {
#define PLACE(bytes, ...)                                                      \
	{                                                                      \
		bytes, sizeof(bytes) - 1, __VA_ARGS__                          \
	}
	PLACE("\xe1\x47"
	      "country\xe1\x48iso_code\x42"
	      "DE",
	      "DE", 0, ""),
	PLACE("\xe1\x47"
	      "country\xe1\x48iso_code\x42KP",
	      "KP", 0, ""),
	PLACE("\xe1\x52registered_country\xe1\x48iso_code\x42"
	      "FR",
	      "FR", 0, ""),
	PLACE("\xe2\x47"
	      "country\xe1\x48iso_code\x42"
	      "DK\x52registered_country\xe1\x48iso_code\x42"
	      "FR",
	      "DK", 0, ""),
	PLACE("\xe1\x58"
	      "autonomous_system_number\xc2\xfb\xf0",
	      "", 64496, ""),
	PLACE("\xe2\x58"
	      "autonomous_system_number\xc4\xff\xff\xff\xfe\x5d\x01"
	      "autonomous_system_organization\x47"
	      "Example",
	      "", 4294967294, "Example"),
	PLACE("\xe1\x47"
	      "country\xe1\x48iso_code\x42"
	      "de",
	      "", 0, ""), /* no country has small letters */
	PLACE("\xe1\x47"
	      "country\xe1\x44name\x42"
	      "DE",
	      "", 0, ""),
#undef PLACE
};

struct tree_net {
	uint8_t addr[16]; /* of the tree: IPv4 in ::/96 */
	uint8_t len;
	int place;
};

struct tree {
	bool v6;
	uint16_t record_bits; /* 24, 28 or 32 */
	bool alias; /* 2002::/16 has the IPv4 addresses, too */
	int node[TREE_NODES][2];
	int n;
	int v4; /* the node at ::/96 */
	struct tree_net net[TREE_NETS];
	size_t nets;
	uint8_t byte[TREE_NODES * 8 + 16 + 1024];
};

static inline int tree_leaf(int place)
{
	return -2 - place;
}

static inline int tree_place_of(int record)
{
	return -2 - record;
}

static inline int tree_node(struct tree *t, int fill)
{
	t->node[t->n][0] = t->node[t->n][1] = fill;
	return t->n++;
}

static inline int tree_bit(const uint8_t *addr, unsigned int i)
{
	return addr[i / 8] >> (7 - i % 8) & 1;
}

/* The record for a network's first `len` bits; splits what is in the way. */
static inline int *tree_reach(struct tree *t, const uint8_t *addr,
			      unsigned int len)
{
	unsigned int skip = t->v6 ? 0 : 96;
	int at = 0, *record = NULL;

	for (unsigned int i = skip; i < len; i++) {
		if (record) {
			if (*record < 0)
				*record = tree_node(t, *record);
			at = *record;
		}
		record = &t->node[at][tree_bit(addr, i)];
	}
	return record;
}

static inline void tree_begin(struct tree *t, bool v6, uint16_t record_bits)
{
	static const uint8_t zero[16];

	t->v6 = v6;
	t->record_bits = record_bits;
	t->alias = false;
	t->n = t->v4 = 0;
	t->nets = 0;
	tree_node(t, TREE_EMPTY);
	if (v6)
		t->v4 = *tree_reach(t, zero, 96) = tree_node(t, TREE_EMPTY);
}

/* Everything below a record that is no node gets the place. */
static inline void tree_fill(struct tree *t, int *record, int leaf)
{
	if (*record < 0) {
		*record = leaf;
		return;
	}
	tree_fill(t, &t->node[*record][0], leaf);
	tree_fill(t, &t->node[*record][1], leaf);
}

/* A network gets a place, whatever was said of it, or parts, before. */
static inline void tree_put(struct tree *t, const uint8_t *addr, uint8_t len,
			    int place)
{
	struct tree_net *n = &t->net[t->nets++];
	int *record;

	*n = (struct tree_net){ .len = len, .place = place };
	memcpy(n->addr, addr, 16);
	for (unsigned int i = len; i < 128; i++)
		n->addr[i / 8] &= ~(0x80 >> i % 8);
	record = tree_reach(t, n->addr, len);
	tree_fill(t, record, tree_leaf(place));
}

static inline bool tree_has(const struct tree_net *n, const uint8_t *addr)
{
	uint8_t whole = n->len / 8, mask = 0xff00 >> n->len % 8;

	return !memcmp(n->addr, addr, whole) &&
	       (!mask || !((n->addr[whole] ^ addr[whole]) & mask));
}

/* The last network that was put around an address says its place, or -1. */
static inline int tree_look(const struct tree *t, const uint8_t *addr)
{
	uint8_t v4[16] = {};

	if (t->alias && addr[0] == 0x20 && addr[1] == 0x02) {
		memcpy(v4 + 12, addr + 2, 4);
		addr = v4;
	}
	for (size_t k = t->nets; k-- > 0;)
		if (tree_has(&t->net[k], addr))
			return t->net[k].place;
	return -1;
}

static inline uint8_t *tree_record(const struct tree *t, uint8_t *to,
				   uint32_t left, uint32_t right)
{
	if (t->record_bits == 32) {
		left = __builtin_bswap32(left);
		right = __builtin_bswap32(right);
		memcpy(to, &left, 4);
		memcpy(to + 4, &right, 4);
		return to + 8;
	}
	*to++ = left >> 16;
	*to++ = left >> 8;
	*to++ = left;
	if (t->record_bits == 28)
		*to++ = (left >> 24) << 4 | right >> 24;
	*to++ = right >> 16;
	*to++ = right >> 8;
	*to++ = right;
	return to;
}

/* The number that stands in a file for a record. */
static inline uint32_t tree_number(const struct tree *t, int record)
{
	uint32_t offset = 0;

	if (record >= 0)
		return record;
	if (record == TREE_EMPTY)
		return t->n;
	for (int p = 0; p < tree_place_of(record); p++)
		offset += tree_places[p].len;
	return t->n + 16 + offset;
}

/* Writes it, and makes *db what MMDB_open() would. */
static inline void tree_finish(struct tree *t, MMDB_s *db)
{
	uint8_t *to = t->byte;

	if (t->alias) {
		static const uint8_t six_to_four[16] = { 0x20, 0x02 };

		*tree_reach(t, six_to_four, 16) = t->v4;
	}
	for (int i = 0; i < t->n; i++)
		to = tree_record(t, to, tree_number(t, t->node[i][0]),
				 tree_number(t, t->node[i][1]));
	memset(to, 0, 16);
	to += 16;
	memset(db, 0, sizeof(*db));
	db->data_section = to;
	for (size_t p = 0; p < ARRAY_SIZE(tree_places); p++) {
		memcpy(to, tree_places[p].data, tree_places[p].len);
		to += tree_places[p].len;
	}
	db->data_section_size = to - db->data_section;
	db->file_content = t->byte;
	db->file_size = to - t->byte;
	db->full_record_byte_size = t->record_bits / 4;
	db->depth = t->v6 ? 128 : 32;
	db->metadata.node_count = t->n;
	db->metadata.record_size = t->record_bits;
	db->metadata.ip_version = t->v6 ? 6 : 4;
	if (t->v6) {
		db->ipv4_start_node.netmask = 96;
		db->ipv4_start_node.node_value = t->v4;
	}
}

#endif

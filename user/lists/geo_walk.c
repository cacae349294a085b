// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "lists/geo_db.h"

#define MIXED 0x7fffffff /* several classes: their networks were reported */
#define CACHE 4096 /* places, because many networks share one */

struct walk {
	const struct geo_walk *w;
	const MMDB_s *db;
	uint32_t left; /* nodes that may be visited: a broken tree may loop */
	bool v4; /* the walk is within the part that is IPv4 */
	struct addr at; /* the current node's network, bit by bit */
	struct {
		uint32_t offset; /* of the place, plus 1: 0 is no place */
		int class;
	} cache[CACHE];
};

static int class_of(struct walk *w, MMDB_entry_s *e)
{
	size_t i = e->offset % CACHE;
	struct geo_place at = {};

	if (w->cache[i].offset != e->offset + 1) {
		geo_place_of(e, &at);
		w->cache[i].class = w->w->class(&at, w->w->ctx);
		w->cache[i].offset = e->offset + 1;
	}
	return w->cache[i].class;
}

static int report(struct walk *w, unsigned int len, int class)
{
	static const struct net v4 = { .len = ADDR_V4_BITS,
				       .addr = { [10] = 0xff, [11] = 0xff } };
	struct net net = net_of(&w->at, len);

	if (!class || class == MIXED)
		return 0;
	/* This network would contain v4-mapped IPv4, which is elsewhere. */
	if (!w->v4 && (net_contains(&net, &v4) || net_contains(&v4, &net)))
		return 0;
	return w->w->net(&net, class, w->w->ctx);
}

static int walk_node(struct walk *w, uint32_t node, unsigned int depth);

/* The databases have IPv4 at ::/96, struct net has it at ::ffff:0:0/96. */
static int walk_v4(struct walk *w, uint32_t node)
{
	struct addr at = w->at;
	int class;

	w->at = (struct addr){ .b = { [10] = 0xff, [11] = 0xff } };
	w->v4 = true;
	class = walk_node(w, node, ADDR_V4_BITS);
	if (class >= 0)
		class = report(w, ADDR_V4_BITS, class);
	w->v4 = false;
	w->at = at;
	return class < 0 ? class : 0;
}

/* An IPv6 tree holds IPv4 once; aliases such as 6to4 point there: skip them. */
static int walk_down(struct walk *w, uint64_t node, unsigned int depth)
{
	static const struct addr zero;

	if (w->v4 || node != w->db->ipv4_start_node.node_value)
		return walk_node(w, node, depth);
	return depth == ADDR_V4_BITS && !memcmp(&w->at, &zero, sizeof(zero)) ?
		       walk_v4(w, node) :
		       0;
}

static int walk_record(struct walk *w, uint8_t type, uint64_t node,
		       MMDB_entry_s *e, unsigned int depth)
{
	switch (type) {
	case MMDB_RECORD_TYPE_SEARCH_NODE:
		return walk_down(w, node, depth);
	case MMDB_RECORD_TYPE_EMPTY:
		return 0;
	case MMDB_RECORD_TYPE_DATA:
		return class_of(w, e);
	}
	return -EINVAL;
}

/*
 * Returns the class of all networks below a node; or MIXED, after it has
 * reported them.
 */
static int walk_node(struct walk *w, uint32_t node, unsigned int depth)
{
	__u8 *byte = &w->at.b[depth / 8], bit = 0x80 >> depth % 8;
	MMDB_search_node_s n;
	int left, right, err;

	if (depth >= ADDR_BITS || !w->left-- ||
	    MMDB_read_node(w->db, node, &n) != MMDB_SUCCESS)
		return -EINVAL;
	left = walk_record(w, n.left_record_type, n.left_record,
			   &n.left_record_entry, depth + 1);
	if (left < 0)
		return left;
	*byte |= bit;
	right = walk_record(w, n.right_record_type, n.right_record,
			    &n.right_record_entry, depth + 1);
	err = right < 0 ? right : 0;
	if (!err && left != right)
		err = report(w, depth + 1, right);
	*byte &= ~bit;
	if (!err && left != right)
		err = report(w, depth + 1, left);
	return err ? err : left == right ? left : MIXED;
}

static int walk_db(struct walk *w)
{
	int class;

	w->left = w->db->metadata.node_count;
	if (w->db->metadata.ip_version == 4)
		return walk_v4(w, 0);
	class = walk_node(w, 0, 0);
	return class < 0 ? class : report(w, 0, class);
}

int geo_walk(const struct geo *g, const struct geo_walk *how)
{
	int err = 0;

	for (size_t i = 0; g && i < g->n && !err; i++) {
		struct walk w = { .w = how, .db = &g->db[i] };

		err = walk_db(&w);
	}
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Databases in MaxMind's format: any file, or trees of networks that are known
 * (lib/geo_tree.h). What a walk says of a network is what a lookup says of its
 * first address; of what is known, both find all, once, and nothing else.
 *
 * Fuzzes: user/lists/geo.c user/lists/geo_walk.c
 * Bytes: 1536
 */
#include <errno.h>

#include "base/address.h"
#include "config/config.h"
#include "fuzz/fuzz.h"
READER_BEGINS
#include "lib/geo_tree.h"
READER_ENDS
#include "lists/geo_db.h"

#define NETS_MAX 4096
#define FILE_EVERY 128 /* files take the longest */

/* MMDB_open() of libmaxminddb 1.7 leaks where the metadata are wrong. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb\n";
}

typedef unsigned __int128 uint128_t;

struct walked {
	const struct geo *geo;
	unsigned int n;
	/* of what was walked: networks and addresses, IPv4 and IPv6 */
	unsigned int nets[2];
	uint128_t size[2];
};

/* 1 to 26 by the country's first letter; 27 for what has only an AS. */
static int class_of(const struct geo_place *at, void *ctx)
{
	must(!*at->country || (strlen(at->country) == 2 &&
			       at->country[0] >= 'A' && at->country[0] <= 'Z'));
	must(strlen(at->as_name) < sizeof(at->as_name));
	return *at->country ? *at->country - 'A' + 1 : at->asn ? 27 : 0;
}

/*
 * ::/80 holds what IPv4 addresses look like in the tree and here: of a network
 * around them that has one class, the walk cannot tell all.
 */
static bool is_near_v4(const struct net *net)
{
	static const struct net around = { .len = 80 };

	return net_contains(&around, net) || net_contains(net, &around);
}

static int take_net(const struct net *net, int class, void *ctx)
{
	struct walked *w = ctx;
	struct geo_place at;
	struct net host = *net;
	bool v6 = !net_is_v4(net);

	must(class > 0 && class <= 27);
	must(net->len <= ADDR_BITS);
	host.len = ADDR_BITS;
	geo_look(w->geo, &host, &at);
	must(class_of(&at, NULL) == class);
	if (!v6 || !is_near_v4(net)) {
		w->nets[v6]++;
		w->size[v6] += (uint128_t)1 << (128 - net->len);
	}
	return ++w->n == NETS_MAX ? -E2BIG : 0;
}

static int walk(const struct geo *g, struct walked *w)
{
	struct geo_walk how = { class_of, take_net, w };
	int ret;

	*w = (struct walked){ .geo = g };
	ret = geo_walk(g, &how);
	must(ret == 0 || ret == -EINVAL || ret == -E2BIG);
	return ret;
}

static void look_around(const struct geo *g)
{
	static const char *const hosts[] = { "198.51.100.7", "2001:db8:bad::1",
					     "0.0.0.0",
					     "::", "255.255.255.255" };

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct geo_place at;
		struct net host;

		must(!host_parse(hosts[i], &host));
		geo_look(g, &host, &at);
		class_of(&at, NULL);
	}
}

static int open_configured(struct geo **g, const char *path, char *why,
			   size_t size)
{
	struct config c;
	int ret;

	must(!config_init(&c));
	must(!config_set(&c, KEY_GEO_DATABASES, path, ORIGIN_FILE, why, size));
	ret = geo_open_configured(g, &c, why, size);
	config_free(&c);
	return ret;
}

static void read_files(const struct input *in)
{
	char *paths[] = { (char *)file_of(in), NULL, NULL }, why[512] = "";
	struct walked w;
	struct geo *g;
	int ret;

	if (in->left % 4 == 1)
		paths[1] = paths[0];
	if (in->left % 4 == 2)
		ret = open_configured(&g, paths[0], why, sizeof(why));
	else
		ret = geo_open(&g, paths, why, sizeof(why));
	must(!ret == !*why);
	if (ret)
		return;
	look_around(g);
	walk(g, &w);
	geo_close(g);
}

/* ---- trees that are known */

static struct tree trees[2];

static void make_tree(struct tree *t, struct input *in)
{
	static const uint8_t bits[] = { 24, 28, 32 };
	uint8_t how = take_byte(in), nets = take_byte(in) % TREE_NETS;

	tree_begin(t, how & 1, bits[how / 2 % 3]);
	t->alias = t->v6 && how & 8;
	while (nets-- && in->left && t->n < TREE_NODES - 400) {
		uint8_t addr[16] = {}, len = take_byte(in) % 128 + 1, what;
		size_t from = 0;

		what = take_byte(in);
		if (!t->v6 || what & 0x80) {
			len = 97 + len % 32;
			from = 12;
		} else if (len < 17) {
			len = 17; /* aside of the IPv4 addresses */
		}
		take(in, addr + from, what & 0x40 ? 2 : 16 - from);
		if (!from && addr[0] < 2)
			addr[0] = 0x20;
		if (!from && t->alias && addr[0] == 0x20 && addr[1] == 2)
			addr[1] = 1;
		tree_put(t, addr, len, what % ARRAY_SIZE(tree_places));
	}
}

static int class_at(int place)
{
	const struct tree_place *p = &tree_places[place];

	return *p->country ? *p->country - 'A' + 1 : p->asn ? 27 : 0;
}

#define SEVERAL (-1) /* classes */

READER_BEGINS

/* Adds up what a walk is to find below a record; returns its class. */
static int sum_up(const struct tree *t, int record, unsigned int depth,
		  struct walked *w, bool v6)
{
	int side[2];

	if (record < 0)
		return record == TREE_EMPTY ? 0 :
					      class_at(tree_place_of(record));
	if (v6 && record == t->v4)
		return 0;
	for (int i = 0; i < 2; i++)
		side[i] = sum_up(t, t->node[record][i], depth + 1, w, v6);
	if (side[0] == side[1])
		return side[0];
	for (int i = 0; i < 2; i++)
		if (side[i] > 0) {
			w->nets[v6]++;
			w->size[v6] += (uint128_t)1 << (127 - depth);
		}
	return SEVERAL;
}

READER_ENDS

static void must_walk(const struct tree *t, const struct geo *g)
{
	struct walked found, want = {};
	int class = sum_up(t, t->v4, 96, &want, false);

	if (class > 0) {
		want.nets[0] = 1;
		want.size[0] = (uint128_t)1 << 32;
	}
	if (t->v6)
		sum_up(t, 0, 0, &want, true);
	if (walk(g, &found) == -E2BIG)
		return;
	must(found.nets[0] == want.nets[0]);
	must(found.nets[1] == want.nets[1]);
	must(found.size[0] == want.size[0]);
	must(found.size[1] == want.size[1]);
}

/* An address as the trees have it, and as struct net has it. */
static void must_look(const struct geo *g, size_t n, const uint8_t *addr,
		      bool v4)
{
	struct net host = { .len = ADDR_BITS };
	const char *country = "", *as_name = "";
	struct geo_place at;
	uint32_t asn = 0;

	memcpy(host.addr, addr, 16);
	if (v4)
		host.addr[10] = host.addr[11] = 0xff;
	for (size_t i = 0; i < n; i++) {
		int place = v4 || trees[i].v6 ? tree_look(&trees[i], addr) : -1;

		if (place < 0)
			continue;
		if (!*country)
			country = tree_places[place].country;
		if (!asn) {
			asn = tree_places[place].asn;
			as_name = tree_places[place].as_name;
		}
	}
	geo_look(g, &host, &at);
	must(!strcmp(at.country, country));
	must(at.asn == asn);
	must(!strcmp(at.as_name, as_name));
}

/* The first and last address of each network, and what is beside it. */
static void must_look_up(const struct geo *g, const struct tree *t)
{
	for (size_t i = 0; i < t->nets; i++) {
		const struct tree_net *n = &t->net[i];
		uint8_t addr[16];
		bool v4 = n->len > 96 && !memcmp(n->addr, (char[12]){}, 12);

		for (int side = 0; side < 4; side++) {
			memcpy(addr, n->addr, sizeof(addr));
			if (side & 1)
				addr[(n->len - 1) / 8] ^=
					0x80 >> (n->len - 1) % 8;
			for (unsigned int b = n->len; side & 2 && b < 128; b++)
				addr[b / 8] |= 0x80 >> b % 8;
			if (v4 || addr[0])
				must_look(g, g->n, addr, v4);
		}
	}
}

static struct geo *geo_of(const MMDB_s *db, size_t n)
{
	struct geo *g = malloc(sizeof(*g) + n * sizeof(*db));

	must(g);
	g->n = n;
	memcpy(g->db, db, n * sizeof(*db));
	return g;
}

static void read_trees(struct input *in)
{
	uint8_t how = take_byte(in);
	size_t n = 1 + (how & 1);
	bool broken = how & 2;
	MMDB_s db[2];
	struct geo *g;

	for (size_t i = 0; i < n; i++) {
		struct tree *t = &trees[i];

		make_tree(t, in);
		if (broken) /* a record leads anywhere */
			t->node[take_byte(in) % t->n][how / 4 % 2] =
				take_byte(in) % (t->n + 4) - 3;
		tree_finish(t, &db[i]);
		g = geo_of(&db[i], 1);
		if (broken)
			walk(g, &(struct walked){});
		else
			must_walk(t, g);
		free(g);
	}
	g = geo_of(db, n);
	if (broken)
		look_around(g);
	for (size_t i = 0; i < n && !broken; i++)
		must_look_up(g, &trees[i]);
	free(g);
}

/* The first byte says which; files are read the first time, and now and then. */
static void fuzz(struct input *in)
{
	static unsigned int count;

	if (take_byte(in) & 1)
		read_trees(in);
	else if (now_and_then(&count, FILE_EVERY))
		read_files(in);
}

/* And see seeds_mmdb.sh. */
static void seeds(void)
{
	for (uint8_t how = 0; how < 32; how++) {
		uint8_t s[300] = { 1, how % 4, how / 2, 5 };

		for (size_t i = 4; i < sizeof(s); i++)
			s[i] = i * (how * 2 + 7) >> 1;
		seed(s, sizeof(s));
	}
}

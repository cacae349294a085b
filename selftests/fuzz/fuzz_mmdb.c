// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Databases in MaxMind's format: what a walk says of a network is what a lookup
 * says of its first address.
 *
 * Fuzzes: user/lists/geo.c user/lists/geo_walk.c
 * Bytes: 8192
 */
#include <errno.h>

#include "base/address.h"
#include "fuzz/fuzz.h"
#include "lists/geo.h"

#define NETS_MAX 4096

/* MMDB_open() of libmaxminddb 1.7 leaks where the metadata are wrong. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb\n";
}

struct walked {
	const struct geo *geo;
	unsigned int n;
};

/* 1 to 26 by the country's first letter; 27 for what has only an AS. */
static int class_of(const struct geo_place *at, void *ctx)
{
	must(!*at->country || (strlen(at->country) == 2 &&
			       at->country[0] >= 'A' && at->country[0] <= 'Z'));
	must(strlen(at->as_name) < sizeof(at->as_name));
	return *at->country ? *at->country - 'A' + 1 : at->asn ? 27 : 0;
}

static int take_net(const struct net *net, int class, void *ctx)
{
	struct walked *w = ctx;
	struct geo_place at;
	struct net host = *net;

	must(class > 0 && class <= 27);
	must(net->len <= ADDR_BITS);
	host.len = ADDR_BITS;
	geo_look(w->geo, &host, &at);
	must(class_of(&at, NULL) == class);
	return ++w->n == NETS_MAX ? -E2BIG : 0;
}

static void fuzz(struct input *in)
{
	static const char *const hosts[] = { "198.51.100.7", "2001:db8:bad::1",
					     "0.0.0.0",
					     "::", "255.255.255.255" };
	char *paths[] = { (char *)file_of(in), NULL }, why[512] = "";
	struct walked w = {};
	struct geo_walk walk = { class_of, take_net, &w };
	struct geo *g;
	int ret = geo_open(&g, paths, why, sizeof(why));

	must(!ret == !*why);
	if (ret)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct geo_place at;
		struct net host;

		must(!host_parse(hosts[i], &host));
		geo_look(g, &host, &at);
		class_of(&at, NULL);
	}
	w.geo = g;
	ret = geo_walk(g, &walk);
	must(ret == 0 || ret == -EINVAL || ret == -E2BIG);
	geo_close(g);
}

/* See seeds_mmdb.sh. */
static void seeds(void)
{
}

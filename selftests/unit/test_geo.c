// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Databases in MaxMind's format (user/lists/geo.c, user/lists/geo_walk.c). */
#include <errno.h>
#include <unistd.h>

#include "base/address.h"
#include "lib/fixture.h"
#include "lists/geo.h"

static char dir[] = "/tmp/test_geo.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][64];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static int run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static void make(const char *name, const char *kind, int version,
		 const char *lines)
{
	assert_int_equal(
		run("printf '%s' | selftests/lib/make_mmdb.pl %s %s %d", lines,
		    kind, path_of(name), version),
		0);
}

static int setup(void **state)
{
	if (run("perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null")) {
		printf("# SKIP no libmaxmind-db-writer-perl\n");
		exit(0);
	}
	assert_non_null(mkdtemp(dir));
	make("country", "country", 6,
	     "198.51.100.0/24 KP\\n203.0.113.0/25 DE\\n203.0.113.128/25 DE\\n"
	     "203.0.113.7/32 FR\\n2001:db8:bad::/48 KP\\n2400::/12 DE\\n");
	make("registered", "registered", 4, "192.0.2.0/24 FR\\n");
	make("asn", "asn", 6,
	     "198.51.100.128/25 64496 Example Ltd.\\n192.0.2.0/24 64497 X\\n");
	make("odd", "country", 6, "192.0.2.0/24 \033[\\n");
	return 0;
}

static int teardown(void **state)
{
	return run("rm -rf %s", dir);
}

static struct geo *open_all(const char *a, const char *b, const char *c)
{
	char *paths[] = { (char *)path_of(a), b ? (char *)path_of(b) : NULL,
			  c ? (char *)path_of(c) : NULL, NULL };
	char err[512] = "";
	struct geo *g;

	if (geo_open(&g, paths, err, sizeof(err)))
		fail_msg("%s", err);
	return g;
}

static void test_look(void **state)
{
	static const struct {
		const char *addr, *country;
		uint32_t asn;
		const char *as_name;
	} rows[] = {
		{ "198.51.100.7", "KP", 0, "" },
		{ "198.51.100.200", "KP", 64496, "Example Ltd." },
		{ "203.0.113.7", "FR", 0, "" },
		{ "203.0.113.8", "DE", 0, "" },
		{ "192.0.2.1", "FR", 64497, "X" }, /* where it is registered */
		{ "2001:db8:bad::1", "KP", 0, "" },
		{ "2001:db8:7::1", "", 0, "" },
		{ "8.8.8.8", "", 0, "" },
	};
	struct geo *g = open_all("country", "registered", "asn");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct geo_place at;
		struct net host;

		assert_int_equal(host_parse(rows[i].addr, &host), 0);
		geo_look(g, &host, &at);
		if (strcmp(at.country, rows[i].country) ||
		    at.asn != rows[i].asn ||
		    strcmp(at.as_name, rows[i].as_name))
			fail_msg("%s: %s %u %s", rows[i].addr, at.country,
				 at.asn, at.as_name);
	}
	geo_close(g);
}

/* A country that is none never reaches a terminal. */
static void test_odd(void **state)
{
	struct geo *g = open_all("odd", NULL, NULL);
	struct geo_place at;
	struct net host;

	assert_int_equal(host_parse("192.0.2.1", &host), 0);
	geo_look(g, &host, &at);
	assert_string_equal(at.country, "");
	geo_close(g);
}

static void test_nothing(void **state)
{
	struct geo_place at = { .asn = 1 };
	struct net host = {};

	geo_look(NULL, &host, &at);
	assert_int_equal(at.asn, 0);
}

/* Classes are the countries in this order, from 1. */
static int class_of(const struct geo_place *at, void *ctx)
{
	return !strcmp(at->country, "KP") ? 1 :
	       !strcmp(at->country, "DE") ? 2 :
					    0;
}

static int note(const struct net *net, int class, void *ctx)
{
	char text[NET_TEXT], *out = ctx;

	sprintf(out + strlen(out), "%d:%s ", class, net_format(net, text));
	return strlen(out) > 4000 ? -E2BIG : 0;
}

/*
 * Neighbours are one network; IPv4 is told once, as such, and not again where
 * IPv6 has pointers to it; who is of no class is left out.
 */
static void test_walk(void **state)
{
	char out[4096] = "";
	struct geo_walk w = { class_of, note, out };
	struct geo *g = open_all("country", NULL, NULL);

	assert_int_equal(geo_walk(g, &w), 0);
	assert_non_null(strstr(out, "1:198.51.100.0/24 "));
	assert_non_null(strstr(out, "2:203.0.113.128/25 "));
	assert_non_null(strstr(out, "2:203.0.113.64/26 "));
	assert_non_null(strstr(out, "2:203.0.113.6/32 "));
	assert_null(strstr(out, "203.0.113.7/32"));
	assert_null(strstr(out, "2:203.0.113.0/25"));
	assert_non_null(strstr(out, "1:2001:db8:bad::/48 "));
	assert_non_null(strstr(out, "2:2400::/12 "));
	assert_null(strstr(strstr(out, "1:198.51.100.0/24") + 3,
			   "198.51.100.0/24"));
	assert_null(strstr(out, "2002:"));
	geo_close(g);
}

static void test_walk_v4(void **state)
{
	char out[4096] = "";
	struct geo_walk w = { class_of, note, out };
	struct geo *g;

	make("v4", "country", 4, "198.51.100.0/24 KP\\n10.0.0.0/8 DE\\n");
	g = open_all("v4", NULL, NULL);
	assert_int_equal(geo_walk(g, &w), 0);
	assert_string_equal(out, "2:10.0.0.0/8 1:198.51.100.0/24 ");
	geo_close(g);
}

static int stop(const struct net *net, int class, void *ctx)
{
	return -ENOMEM;
}

static void test_walk_stops(void **state)
{
	struct geo_walk w = { class_of, stop, NULL };
	struct geo *g = open_all("country", NULL, NULL);

	assert_int_equal(geo_walk(g, &w), -ENOMEM);
	geo_close(g);
}

static void refused(const char *name, int want, const char *reason)
{
	char *paths[] = { (char *)path_of(name), NULL }, err[512] = "";
	struct geo *g = NULL;
	int ret = geo_open(&g, paths, err, sizeof(err));

	if (ret != want || !strstr(err, reason) || g)
		fail_msg("%s: %d %s", name, ret, err);
}

static void test_refused(void **state)
{
	run("echo garbage >%s; mkdir %s", path_of("garbage"), path_of("sub"));
	run("head -c 700 %s >%s", path_of("country"), path_of("cut"));
	refused("garbage", -EINVAL, "is no database in MaxMind's format");
	refused("cut", -EINVAL, "is no database in MaxMind's format");
	refused("sub", -EISDIR, "cannot be read");
	refused("missing", -ENOENT, "No such file");
}

/* Whoever overwrites the file in place does no harm: it is a copy. */
static void test_overwritten(void **state)
{
	struct geo_place at;
	struct geo *g;
	struct net host;

	run("cp %s %s", path_of("country"), path_of("copy"));
	g = open_all("copy", NULL, NULL);
	assert_int_equal(truncate(path_of("copy"), 0), 0);
	assert_int_equal(host_parse("198.51.100.7", &host), 0);
	geo_look(g, &host, &at);
	assert_string_equal(at.country, "KP");
	geo_close(g);
}

/* Every byte of the tree, wrong in turn: an error or some answer, and an end.
 */
static void test_broken(void **state)
{
	char whole[8192], out[4096];
	struct geo_walk w = { class_of, note, out };
	FILE *f = fopen(path_of("country"), "r");
	size_t n;

	assert_non_null(f);
	n = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	for (size_t i = 0; i < n; i++) {
		char *paths[] = { (char *)path_of("broken"), NULL }, err[512];
		struct geo *g;

		f = fopen(path_of("broken"), "w");
		whole[i] ^= 0x55;
		fwrite(whole, 1, n, f);
		whole[i] ^= 0x55;
		fclose(f);
		*out = '\0';
		if (!geo_open(&g, paths, err, sizeof(err)))
			geo_walk(g, &w);
		geo_close(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_v4),
		cmocka_unit_test(test_walk_stops),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests_name("geo", tests, setup, teardown);
}

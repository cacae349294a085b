// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From the configuration, files and databases into a plan. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/escape.h"
#include "lists/geo.h"
#include "lists/groups_sources.h"
#include "maps/groups_map.h"
#include "lists/groups_plan.h"
#include "base/net_list.h"

__attribute__((format(printf, 2, 3))) static void
complain(struct groups_plan *g, const char *fmt, ...)
{
	char text[GROUPS_PROBLEM_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	g->problems++;
	if (g->problem)
		g->problem(text, g->ctx);
}

/* "de" -> "DE", "AS64496" -> "64496" */
static void name_source(struct group_source *s, const char *item)
{
	if (s->kind == SOURCE_ASN && isalpha(*item))
		item += 2;
	snprintf(s->name, sizeof(s->name), "%s", item);
	for (char *c = s->name; s->kind == SOURCE_COUNTRY && *c; c++)
		*c = toupper(*c);
}

static int find_sources(struct groups_plan *g, const struct config *c)
{
	struct groups *to = g->groups;
	int err = 0;

	for (size_t k = 0; k < GROUP_KEYS && !err; k++) {
		char **items = config_items(c, group_keys[k].key);

		if (!items)
			return -ENOMEM;
		for (size_t i = 0; items[i] && !err; i++) {
			struct group_source *s = &to->source[to->n];

			if (to->n == GROUP_SOURCES_MAX) {
				complain(g,
					 "more than %d files, countries "
					 "and AS numbers: name fewer",
					 GROUP_SOURCES_MAX);
				err = -E2BIG;
				break;
			}
			s->kind = group_keys[k].kind;
			s->group = group_keys[k].group;
			name_source(s, items[i]);
			to->n++;
		}
		config_items_free(items);
	}
	return err;
}

struct adding {
	struct groups_plan *g;
	__u16 source;
};

static int add(const struct net *net, void *ctx)
{
	const struct adding *a = ctx;
	const struct group_source *s = &a->g->groups->source[a->source];

	return group_list_add(&a->g->list,
			      &(struct group_net){ .net = *net,
						   .kind = s->kind,
						   .group = s->group,
						   .source = a->source });
}

/* -ENOMEM; all else is the file's, and told of. */
static int read_file(struct groups_plan *g, __u16 source)
{
	struct group_source *s = &g->groups->source[source];
	char why[CONFIG_ERROR_SIZE], text[ESCAPED_SIZE(CONFIG_ERROR_SIZE)];
	struct adding a = { g, source };
	size_t before = g->list.n, line;
	FILE *in = fopen(s->name, "re");
	struct stat st;
	int err = in ? 0 : -errno;

	if (!err && !fstat(fileno(in), &st) && !S_ISREG(st.st_mode))
		complain(g, "%s: is no file; name another in %s-nets", s->name,
			 group_names[s->group]);
	else if (err)
		complain(g,
			 "%s: cannot be read: %s; put it there, or take it "
			 "out of %s-nets",
			 s->name, strerror(-err), group_names[s->group]);
	else if ((err = net_list_read(in, add, &a, &line, why, sizeof(why))) ==
		 -EINVAL)
		complain(g, "%s:%zu: %s", s->name, line,
			 printable(why, strlen(why), text, sizeof(text)));
	else if (err && err != -ENOMEM)
		complain(g, "%s: cannot be read: %s", s->name, strerror(-err));
	else if (!err)
		goto done;
	s->failed = 1;
	g->list.n = before;
done:
	if (in)
		fclose(in);
	return err == -ENOMEM ? err : 0;
}

struct geo_reading {
	struct groups_plan *g;
	enum group_source_kind kind;
	bool known; /* some place has a country, or an AS */
};

/* The source of a place, and one more. Of two the gentler, as with files. */
static int source_of(const struct geo_place *at, void *ctx)
{
	struct geo_reading *r = ctx;
	const struct groups *to = r->g->groups;
	char name[16];

	snprintf(name, sizeof(name), "%u", at->asn);
	if (r->kind == SOURCE_COUNTRY)
		strcpy(name, at->country);
	else if (!at->asn)
		*name = '\0';
	if (!*name)
		return 0;
	r->known = true;
	for (__u32 i = 0; i < to->n; i++)
		if (to->source[i].kind == r->kind &&
		    !strcmp(to->source[i].name, name))
			return i + 1;
	return 0;
}

static int add_class(const struct net *net, int class, void *ctx)
{
	const struct geo_reading *r = ctx;
	struct adding a = { r->g, class - 1 };

	return add(net, &a);
}

static void all_failed(struct groups_plan *g, enum group_source_kind kind)
{
	for (__u32 i = 0; i < g->groups->n; i++)
		if (g->groups->source[i].kind == kind)
			g->groups->source[i].failed = 1;
}

static int walk_geo(struct groups_plan *g, const struct geo *geo,
		    enum group_source_kind kind)
{
	struct geo_reading r = { g, kind, false };
	struct geo_walk how = { source_of, add_class, &r };
	size_t before = g->list.n;
	int err = geo_walk(geo, &how);
	const char *of = kind == SOURCE_ASN ? "AS numbers" : "countries";

	if (err == -ENOMEM)
		return err;
	if (err)
		complain(g, "geo-databases: one with %s is broken: get it anew",
			 of);
	else if (!r.known)
		complain(g,
			 "geo-databases: none of them knows %s: add one "
			 "that does",
			 of);
	if (err || !r.known) {
		g->list.n = before;
		all_failed(g, kind);
	}
	return 0;
}

static bool has_kind(const struct groups *to, enum group_source_kind kind)
{
	for (__u32 i = 0; i < to->n; i++)
		if (to->source[i].kind == kind)
			return true;
	return false;
}

static int read_geo(struct groups_plan *g, const struct config *c)
{
	bool countries = has_kind(g->groups, SOURCE_COUNTRY);
	bool asns = has_kind(g->groups, SOURCE_ASN);
	char **paths = config_items(c, KEY_GEO_DATABASES);
	char why[GROUPS_PROBLEM_SIZE] = "out of memory";
	struct geo *geo;
	int err = paths ? geo_open(&geo, paths, why, sizeof(why)) : -ENOMEM;

	config_items_free(paths);
	if (err == -ENOMEM)
		return err;
	/* Also where no group needs it: events and people do. */
	if (err) {
		complain(g, "geo-databases: %s", why);
		all_failed(g, SOURCE_COUNTRY);
		all_failed(g, SOURCE_ASN);
		return 0;
	}
	if (countries)
		err = walk_geo(g, geo, SOURCE_COUNTRY);
	if (!err && asns)
		err = walk_geo(g, geo, SOURCE_ASN);
	geo_close(geo);
	return err;
}

/* What the sources that failed had before. */
struct keeping {
	struct groups_plan *g;
	__s32 now[GROUP_SOURCES_MAX]; /* of a source then, or -1 */
};

static int keep_one(const struct net *net, const struct group_entry *e,
		    void *ctx)
{
	struct keeping *k = ctx;
	struct adding a = { .g = k->g };

	if (e->source >= GROUP_SOURCES_MAX || k->now[e->source] < 0)
		return 0;
	a.source = k->now[e->source];
	return add(net, &a);
}

static bool same_source(const struct group_source *a,
			const struct group_source *b)
{
	return a->kind == b->kind && a->group == b->group &&
	       !strcmp(a->name, b->name);
}

static int keep_failed(struct groups_plan *g, const struct pins *p,
		       const struct groups *old)
{
	__u32 which = groups_map_active(p);
	struct keeping k = { .g = g };
	bool any = false;

	for (__u32 i = 0; i < GROUP_SOURCES_MAX; i++)
		k.now[i] = -1;
	for (__u32 i = 0; i < g->groups->n; i++) {
		struct group_source *s = &g->groups->source[i];

		s->since_usec = s->failed ? 0 : clock_wall_usec();
		for (__u32 j = 0; s->failed && j < old->n; j++) {
			if (!same_source(s, &old->source[j]))
				continue;
			s->since_usec = old->source[j].since_usec;
			k.now[j] = i;
			any = true;
		}
	}
	return any && which ?
		       groups_map_each(groups_map_fd(p, which), keep_one, &k) :
		       0;
}

static bool any_failed(const struct groups *g)
{
	for (__u32 i = 0; i < g->n; i++)
		if (g->source[i].failed)
			return true;
	return false;
}

static int read_all(struct groups_plan *g, const struct pins *p,
		    const struct config *c, const struct groups *old)
{
	int err = find_sources(g, c);

	for (__u32 i = 0; i < g->groups->n && !err; i++)
		if (g->groups->source[i].kind == SOURCE_FILE)
			err = read_file(g, i);
	if (!err)
		err = read_geo(g, c);
	if (!err)
		err = keep_failed(g, p, old);
	if (err)
		return err;
	group_list_finish(&g->list);
	for (size_t i = 0; i < g->list.n; i++)
		g->groups->source[g->list.nets[i].source].nets++;
	if (g->list.n > GROUP_NETS_MAX) {
		complain(g,
			 "the groups have %zu networks, and there is room "
			 "for %d: name fewer files or countries",
			 g->list.n, GROUP_NETS_MAX);
		return -ENOSPC;
	}
	return 0;
}

int groups_read(struct groups_plan *g, const struct pins *p,
		const struct config *c, bool eager)
{
	struct groups *old = groups_in_force(p);
	int err = 0;

	g->started = clock_monotonic_usec();
	g->groups = calloc(1, sizeof(*g->groups));
	if (!old || !g->groups) {
		free(old);
		return -ENOMEM;
	}
	g->groups->fingerprint = groups_fingerprint(c);
	g->changed = g->groups->fingerprint != old->fingerprint ||
		     (eager && any_failed(old));
	if (g->changed)
		err = read_all(g, p, c, old);
	free(old);
	return err;
}

bool groups_lack(const struct groups_plan *g)
{
	const struct groups *to = g->groups;

	for (__u32 i = 0; i < to->n; i++)
		if (to->source[i].failed && !to->source[i].since_usec)
			return true;
	return g->problems && !any_failed(to);
}

void groups_free(struct groups_plan *g)
{
	free(g->groups);
	free(g->list.nets);
	g->groups = NULL;
	g->list = (struct group_list){};
}

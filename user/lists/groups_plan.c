// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/groups_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/file_stat.h"
#include "base/net_list.h"
#include "base/output.h"
#include "lists/allowlist.h"
#include "lists/geo.h"
#include "lists/groups_sources.h"
#include "maps/settings_map.h"
#include "tell/journal.h"
#include "tell/names.h"

/* A command that reads for longer than this shows its progress. */
#define PATIENCE_USEC 1000000

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

struct adding {
	struct groups_plan *g;
	__u16 source;
};

static int add(const struct net *net, void *ctx)
{
	const struct adding *a = ctx;
	const struct group_source *s = &a->g->groups->source[a->source];

	return group_list_add(
		&a->g->list,
		&(struct group_net){ .net = *net,
				     .kind = s->kind,
				     .group = s->group,
				     .source = a->source,
				     .asn = s->group == GROUP_RATED ?
						    strtoul(s->name, NULL, 10) :
						    0 });
}

/* -ENOMEM; other errors are complained of, and mark the source as failed. */
static int read_file(struct groups_plan *g, __u16 source)
{
	struct group_source *s = &g->groups->source[source];
	char why[CONFIG_ERROR_SIZE], text[ESCAPED_SIZE(CONFIG_ERROR_SIZE)];
	const char *key = group_key_name(s->group);
	struct adding a = { g, source };
	size_t before = g->list.n, line;
	int fd = file_open_regular(s->name), err = fd < 0 ? fd : 0;
	FILE *in = err ? NULL : fdopen(fd, "r");

	if (!err && !in)
		err = -ENOMEM;
	if (err == -EINVAL || err == -EISDIR)
		complain(g, "%s: is no file; name another in %s", s->name, key);
	else if (err == -ETIMEDOUT)
		complain(g,
			 "%s: its file system does not answer; see to it, or "
			 "take the file out of %s",
			 s->name, key);
	else if (err)
		complain(g,
			 "%s: cannot be read: %s; put it there, or take it "
			 "out of %s",
			 s->name, strerror(-err), key);
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

/* A source of the key `proxies`: a file, or a network itself. */
static int read_proxy(struct groups_plan *g, __u16 source)
{
	const char *name = g->groups->source[source].name;
	struct adding a = { g, source };
	struct net net;

	if (*name == '/')
		return read_file(g, source);
	return net_parse(name, &net, NULL, 0) ? 0 : add(&net, &a);
}

struct geo_reading {
	struct groups_plan *g;
	enum group_source_kind kind;
	bool rated; /* read rated-asns: the same AS may be in strict-asns */
	bool known; /* the database has countries, or ASes, at all */
};

/*
 * The number of the place's source, from 1; or 0. Gentler sources come first:
 * they win, as with files.
 */
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
		    (to->source[i].group == GROUP_RATED) == r->rated &&
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
		    enum group_source_kind kind, bool rated)
{
	struct geo_reading r = { g, kind, rated, false };
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

static bool has_kind(const struct groups *to, enum group_source_kind kind,
		     bool rated)
{
	for (__u32 i = 0; i < to->n; i++)
		if (to->source[i].kind == kind &&
		    (to->source[i].group == GROUP_RATED) == rated)
			return true;
	return false;
}

static int read_geo(struct groups_plan *g, const struct config *c)
{
	bool countries = has_kind(g->groups, SOURCE_COUNTRY, false);
	bool asns = has_kind(g->groups, SOURCE_ASN, false);
	bool rated = has_kind(g->groups, SOURCE_ASN, true);
	char why[GROUPS_PROBLEM_SIZE];
	struct geo *geo;
	int err = geo_open_configured(&geo, c, why, sizeof(why));

	if (err == -ENOMEM)
		return err;
	/* Where no group needs it, events and `why` do: so complain anyway. */
	if (err) {
		complain(g, "geo-databases: %s", why);
		all_failed(g, SOURCE_COUNTRY);
		all_failed(g, SOURCE_ASN);
		return 0;
	}
	if (countries)
		err = walk_geo(g, geo, SOURCE_COUNTRY, false);
	if (!err && asns)
		err = walk_geo(g, geo, SOURCE_ASN, false);
	if (!err && rated)
		err = walk_geo(g, geo, SOURCE_ASN, true);
	geo_close(geo);
	return err;
}

/* Takes the networks of failed sources over from the map in force. */
struct keeping {
	struct groups_plan *g;
	__s32 now[GROUP_SOURCES_MAX]; /* by index in force: that in the plan, or
					 -1 */
};

/* The index of the source of an AS of rated-asns, or -1. */
static int rated_source(const struct groups *g, __u32 asn)
{
	for (__u32 i = 0; asn && i < g->n; i++)
		if (g->source[i].group == GROUP_RATED &&
		    strtoul(g->source[i].name, NULL, 10) == asn)
			return i;
	return -1;
}

static int keep_one(const struct net *net, const struct group_entry *e,
		    void *ctx)
{
	struct keeping *k = ctx;
	struct adding a = { .g = k->g };
	int rated = rated_source(k->g->groups, e->asn), err = 0;

	if (rated >= 0 && k->g->groups->source[rated].failed) {
		a.source = rated;
		err = add(net, &a);
	}
	/* else it is a part of one that is in the map itself */
	if (err || !e->group || e->len != net->len ||
	    e->source >= GROUP_SOURCES_MAX || k->now[e->source] < 0)
		return err;
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

/* Counts the networks of each source; those within one are parts of it. */
static void count_nets(struct groups_plan *g)
{
	for (size_t i = 0; i < g->list.n; i++) {
		const struct group_net *net = &g->list.nets[i];
		int rated = rated_source(g->groups, net->asn);

		if (net->group && net->len == net->net.len)
			g->groups->source[net->source].nets++;
		if (rated >= 0)
			g->groups->source[rated].nets++;
	}
}

static int read_all(struct groups_plan *g, const struct pins *p,
		    const struct config *c, const struct groups *old)
{
	int err = groups_sources(c, g->groups);

	if (err == -E2BIG)
		complain(g,
			 "more than %d files, countries and AS numbers: name "
			 "fewer",
			 GROUP_SOURCES_MAX);
	for (__u32 i = 0; i < g->groups->n && !err; i++)
		if (g->groups->source[i].kind == SOURCE_FILE)
			err = read_file(g, i);
		else if (g->groups->source[i].kind == SOURCE_PROXY)
			err = read_proxy(g, i);
	if (!err)
		err = read_geo(g, c);
	if (!err)
		err = keep_failed(g, p, old);
	if (err)
		return err;
	group_list_finish(&g->list);
	count_nets(g);
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

static void show_progress(size_t done, void *ctx)
{
	const struct groups_plan *g = ctx;
	bool end = done == g->list.n;

	if (!output.json && isatty(STDERR_FILENO) &&
	    clock_monotonic_usec() - g->started >= PATIENCE_USEC)
		fprintf(stderr, "\r%zu of %zu networks%s", done, g->list.n,
			end ? "\n" : "");
}

/* Fills the map that is not in use, and then makes the programs use it. */
static int swap(struct pins *p, struct groups_plan *g, __u32 before)
{
	__u32 next = before == 1 ? 2 : 1;
	int fd = groups_map_fd(p, next);
	int err = groups_map_clear(fd); /* of a writer that was killed */

	if (!err)
		err = groups_map_fill(fd, g->list.nets, g->list.n,
				      show_progress, g);
	if (err) {
		groups_map_clear(fd);
		return err;
	}
	g->groups->active = g->list.n ? next : 0;
	settings_set_groups(p, g->groups->active);
	return groups_map_write(p, g->groups);
}

/* Proxies are allowlisted: nobody can ban them, and no wider ban drops them. */
static int put_proxies(struct pins *p, const struct groups_plan *g)
{
	struct net *nets = calloc(g->list.n + 1, sizeof(*nets));
	size_t n = 0;
	int err = nets ? 0 : -ENOMEM;

	for (size_t i = 0; nets && i < g->list.n; i++)
		if (g->list.nets[i].group == GROUP_PROXY)
			nets[n++] = g->list.nets[i].net;
	if (!err)
		err = allowlist_sync_proxies(p, nets, n);
	free(nets);
	return err;
}

int groups_put(struct pins *p, struct groups_plan *g)
{
	__u32 before = groups_map_active(p);
	int err;

	if (!g->changed) {
		settings_set_groups(p, before);
		return 0;
	}
	err = swap(p, g, before);
	if (!err && before)
		groups_map_clear(groups_map_fd(p, before));
	if (!err)
		err = put_proxies(p, g);
	return err;
}

static void note_problem(const char *text, void *ctx)
{
	journal_note(
		MESSAGE_GROUPS_KEPT,
		"groups of networks: %s; what it had before stays in force",
		text);
}

static void note_in_force(const struct groups_plan *g)
{
	uint64_t msec = (clock_monotonic_usec() - g->started) / 1000;

	if (g->changed && g->groups->n)
		journal_note(
			MESSAGE_GROUPS,
			"groups of networks: %zu networks from %u source%s "
			"in force; reading took %llu.%03llu s",
			g->list.n, g->groups->n, g->groups->n == 1 ? "" : "s",
			(unsigned long long)msec / 1000,
			(unsigned long long)msec % 1000);
}

void groups_apply(struct pins *p, const struct config *c, bool eager)
{
	struct groups_plan g = { .problem = note_problem };
	int err = groups_read(&g, p, c, eager);

	if (!err)
		err = groups_put(p, &g);
	if (err)
		journal_note(MESSAGE_GROUPS_KEPT,
			     "groups of networks: %s; those before stay in "
			     "force",
			     strerror(-err));
	else
		note_in_force(&g);
	groups_free(&g);
}

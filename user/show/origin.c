// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/escape.h"
#include "lists/groups_plan.h"
#include "maps/settings_map.h"

/* What is wrong with one, the daemon says. */
struct geo *origin_open(const struct pins *p)
{
	char why[GROUPS_PROBLEM_SIZE], **paths;
	struct geo *geo = NULL;
	struct config c;

	if (config_init(&c))
		return NULL;
	if (!settings_load(p, &c)) {
		paths = config_items(&c, KEY_GEO_DATABASES);
		if (paths)
			geo_open(&geo, paths, why, sizeof(why));
		config_items_free(paths);
	}
	config_free(&c);
	return geo;
}

/* JSON is UTF-8, and terminals are to stay as they are. */
static json_t *shown(const char *s)
{
	char text[ESCAPED_SIZE(GROUP_NAME_SIZE)];

	return json_string(printable(s, strlen(s), text, sizeof(text)));
}

json_t *group_json(const struct pins *p, const struct addr *a,
		   const struct group_entry *e)
{
	struct groups *g = groups_in_force(p);
	const struct group_source *s =
		g && e->source < g->n ? &g->source[e->source] : NULL;
	struct net net = net_of(a, e->len <= ADDR_BITS ? e->len : ADDR_BITS);
	char text[NET_TEXT];
	json_t *doc;

	doc = json_pack(
		"{s:s, s:s, s:o, s:o}", "name",
		group_names[e->group < GROUPS_MAX ? e->group : GROUP_NONE],
		"net", net_format(&net, text), "by",
		s ? json_string(group_source_kind_name(s->kind)) : json_null(),
		"source", s ? shown(s->name) : json_null());
	free(g);
	return doc;
}

json_t *country_json(const struct geo_place *at)
{
	return *at->country ? shown(at->country) : json_null();
}

json_t *as_json(const struct geo_place *at)
{
	return at->asn ? json_pack("{s:I, s:o}", "number", (json_int_t)at->asn,
				   "name", shown(at->as_name)) :
			 json_null();
}

static json_t *source_json(const struct group_source *s)
{
	char since[CLOCK_TEXT];

	return json_pack(
		"{s:s, s:s, s:o, s:I, s:o, s:b}", "group",
		group_names[s->group < GROUPS_MAX ? s->group : 0], "by",
		group_source_kind_name(s->kind), "source", shown(s->name),
		"networks", (json_int_t)s->nets, "since",
		s->since_usec ?
			json_string(clock_format_wall(s->since_usec, since)) :
			json_null(),
		"failed", s->failed);
}

json_t *groups_json(const struct pins *p)
{
	struct groups *g = groups_in_force(p);
	json_int_t nets[GROUPS_MAX] = {};
	json_t *sources = json_array();

	for (__u32 i = 0; g && i < g->n; i++) {
		const struct group_source *s = &g->source[i];

		nets[s->group < GROUPS_MAX ? s->group : 0] += s->nets;
		json_array_append_new(sources, source_json(s));
	}
	free(g);
	return json_pack("{s:{s:I, s:I, s:I}, s:o}", "networks", "strict",
			 nets[GROUP_STRICT], "lenient", nets[GROUP_LENIENT],
			 "allow", nets[GROUP_ALLOW], "sources", sources);
}

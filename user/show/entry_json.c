// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/entry_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm.h"
#include "base/address.h"
#include "base/escape.h"
#include "lists/policy.h"
#include "maps/clients_map.h"
#include "maps/fronts_map.h"
#include "maps/groups_map.h"
#include "maps/history_map.h"
#include "maps/owner_names.h"
#include "maps/settings_map.h"
#include "pure/front.h"
#include "pure/judgement.h"
#include "show/closed.h"
#include "tell/names.h"

/* The policy of a client's group, if it is in one. */
static enum policy_kind policy_of_group(const struct pins *p,
					const struct net *client)
{
	struct group_entry e;

	if (!groups_find(p, client, &e))
		return POLICY_PLAIN;
	return e.group == GROUP_STRICT	? POLICY_STRICT :
	       e.group == GROUP_LENIENT ? POLICY_LENIENT :
					  POLICY_PLAIN;
}

/*
 * A sensor's ban has no reason until the daemon has handled its event; a network's
 * has none where a list gave none.
 */
static const char *reason_of(const struct ban *b)
{
	return *b->reason  ? b->reason :
	       b->failures ? "failed logins" :
			     "by command";
}

/* Who wants a ban: a name; its number, if that is not known; null: no name. */
static json_t *owner_json(const struct pins *p, __u32 owner)
{
	char text[ESCAPED_SIZE(BAN_REASON_SIZE)];
	struct owner_name name;

	if (!owner)
		return json_null();
	if (owner_name_get(p, owner, &name))
		printable(name.text, strlen(name.text), text, sizeof(text));
	else
		snprintf(text, sizeof(text), "#%08x", owner);
	return json_string(text);
}

static json_t *others_json(const struct pins *p, const struct ban_row *row,
			   const struct ban_claims *claims,
			   const struct clock_pair *now)
{
	const struct ban_row *c = NULL;
	json_t *list = json_array();

	if (row->ban.flags & BAN_SHARED)
		c = ban_claims_find(claims, &row->net);
	for (; c; c = ban_claims_next(claims, c))
		if (ban_owner(&c->ban) != ban_owner(&row->ban))
			json_array_append_new(
				list,
				json_pack("{s:o, s:I, s:s}", "owner",
					  owner_json(p, ban_owner(&c->ban)),
					  "expires_in",
					  (json_int_t)clock_until(
						  now, c->ban.expires),
					  "reason", reason_of(&c->ban)));
	return list;
}

json_t *ban_json(const struct pins *p, const struct ban_row *row,
		 const struct ban_claims *claims, const struct clock_pair *now)
{
	struct history h = history_recall(p, &row->net, now->boot_ns);
	char net[NET_TEXT], at[CLOCK_TEXT];
	const struct ban *b = &row->ban;
	/* A network that a command has banned may never be banned again. */
	bool again = h.offences || is_client(p, &row->net);

	return json_pack(
		"{s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
		"net", net_format(&row->net, net), "expires_in",
		(json_int_t)clock_until(now, b->expires), "banned_at",
		clock_format_boot(b->since, at), "reason", reason_of(b),
		"failures", (json_int_t)b->failures, "dropped_packets",
		(json_int_t)b->packets, "dropped_bytes", (json_int_t)b->bytes,
		"offences", (json_int_t)h.offences, "next_ban",
		again ? json_integer(next_ban_time(
				p, policy_of_group(p, &row->net), &h)) :
			json_null(),
		"closed", closed_json(settings_now(p), b->flags), "owner",
		owner_json(p, ban_owner(b)), "others",
		others_json(p, row, claims, now));
}

json_t *history_json(const struct pins *p, const struct history *h)
{
	char ends[CLOCK_TEXT], forgotten[CLOCK_TEXT];

	if (!h->offences)
		return json_null();
	return json_pack(
		"{s:I, s:s, s:s}", "offences", (json_int_t)h->offences,
		"last_ban_ends", clock_format_boot(h->until, ends),
		"forgotten_at",
		clock_format_boot(history_forgotten_at(settings_now(p), h),
				  forgotten));
}

uint32_t next_ban_time(const struct pins *p, enum policy_kind kind,
		       const struct history *h)
{
	const struct settings *s = settings_now(p);

	return policy_ban_time(s, s->policy[kind].ban_sec, h->offences + 1);
}

/* What the last failure of a client told of it. */
static enum offender last_offender(const struct settings *s,
				   const struct client *c, struct judgement *j)
{
	j->guess = c->policy == POLICY_STALE ? GUESS_AGAIN :
		   c->guess_head	     ? GUESS_NEW :
					       GUESS_UNREAD;
	return offender_of(s, c, j);
}

json_t *client_json(const struct pins *p, const struct net *client,
		    const struct client *c, const struct clock_pair *now)
{
	const struct settings *s = settings_now(p);
	__u32 tick = window_tick(now->jiffies, s->tick_shift);
	struct group_entry group = {};
	struct judgement j = {};
	char text[NET_TEXT], seen[CLOCK_TEXT];
	struct ban_row row;

	groups_find(p, client, &group);
	choose_policy(s, c, tick, group.group, &j);
	return json_pack(
		"{s:s, s:I, s:I, s:i, s:i, s:s, s:b, s:I, s:i, s:s}", "net",
		net_format(client, text), "failures", (json_int_t)c->failures,
		"repeats", (json_int_t)c->repeats, "in_window",
		window_count(c, tick, policy_of(s, &j)->rate.ticks),
		"last_code", c->last_code, "last_seen",
		clock_format_boot(clock_boot_of(now, c->last_seen), seen),
		"banned", !banlist_find(p, client, now, &row), "successes",
		(json_int_t)c->successes, "users", j.users, "kind",
		offender_name(last_offender(s, c, &j)));
}

/* Escapes names from files: JSON must be UTF-8, and terminals obey codes. */
static json_t *shown(const char *s)
{
	char text[ESCAPED_SIZE(GROUP_NAME_SIZE)];

	return json_string(printable(s, strlen(s), text, sizeof(text)));
}

json_t *group_json(const struct pins *p, const struct net *host,
		   const struct group_entry *e)
{
	struct groups *g = groups_in_force(p);
	const struct group_source *s =
		g && e->source < g->n ? &g->source[e->source] : NULL;
	struct net net = net_around(host, e->len);
	char text[NET_TEXT];
	json_t *doc;

	doc = json_pack("{s:s, s:s, s:o, s:o}", "name", group_name(e->group),
			"net", net_format(&net, text), "by",
			s ? json_string(group_source_kind_name(s->kind)) :
			    json_null(),
			"source", s ? shown(s->name) : json_null());
	free(g);
	return doc;
}

static json_t *source_json(const struct group_source *s)
{
	char since[CLOCK_TEXT];

	return json_pack(
		"{s:s, s:s, s:o, s:I, s:o, s:b}", "group", group_name(s->group),
		"by", group_source_kind_name(s->kind), "source", shown(s->name),
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
	return json_pack("{s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "networks",
			 "strict", nets[GROUP_STRICT], "lenient",
			 nets[GROUP_LENIENT], "allow", nets[GROUP_ALLOW],
			 "proxy", nets[GROUP_PROXY], "rated", nets[GROUP_RATED],
			 "sources", sources);
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

json_t *exempt_json(const struct net *host, const struct exempt *e)
{
	char addr[ADDR_TEXT], last[CLOCK_TEXT];

	return json_pack("{s:s, s:I, s:s, s:i, s:i}", "address",
			 host_format(host, addr), "failures",
			 (json_int_t)e->failures, "last_seen",
			 clock_format_boot(e->last, last), "last_code", e->code,
			 "port", e->port);
}

json_t *front_json(const struct pins *p, const struct net *client,
		   const struct clock_pair *now)
{
	uint32_t time = front_time(now->boot_ns);
	struct front f;
	int accounts;

	if (!fronts_find(p, client, &f))
		return json_null();
	accounts = front_accounts(&f, time);
	return accounts < FRONT_MIN ?
		       json_null() :
		       json_pack("{s:i, s:i, s:i}", "accounts", accounts,
				 "held", front_held(&f, time), "bound",
				 accounts / FRONT_PER_BAN);
}

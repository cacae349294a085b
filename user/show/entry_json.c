// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/entry_json.h"

#include "base/address.h"
#include "lists/groups_plan.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "pure/judgement.h"
#include "lists/policy.h"
#include "maps/settings_map.h"

json_t *ban_json(const struct pins *p, const struct ban_row *row,
		 const struct clock_pair *now)
{
	struct history h = history_recall(p, &row->net, now->boot_ns);
	char net[NET_TEXT], at[CLOCK_TEXT];
	const struct ban *b = &row->ban;
	struct addr addr = net_addr(&row->net);
	/* Only a client can come back; a network that is none cannot. */
	bool client = client_net(p, &addr).len == row->net.len;

	/* Before the daemon has handled its event, a ban has no reason yet. */
	return json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "net",
			 net_format(&row->net, net), "expires_in",
			 (json_int_t)clock_until(now, b->expires), "banned_at",
			 clock_format_boot(b->since, at), "reason",
			 *b->reason ? b->reason : "failed logins", "failures",
			 (json_int_t)b->failures, "dropped_packets",
			 (json_int_t)b->packets, "dropped_bytes",
			 (json_int_t)b->bytes, "offences",
			 (json_int_t)h.offences, "next_ban",
			 client ? json_integer(next_ban_time(
					  p, groups_policy(p, &addr), &h)) :
				  json_null());
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
		clock_format_boot(policy_forgotten_at(settings_now(p), h),
				  forgotten));
}

uint32_t next_ban_time(const struct pins *p, enum policy_kind kind,
		       const struct history *h)
{
	const struct settings *s = settings_now(p);

	return policy_ban_time(s, s->policy[kind].ban_sec, h->offences + 1);
}

json_t *client_json(const struct pins *p, const struct addr *key,
		    const struct client *c, const struct clock_pair *now)
{
	const struct settings *s = settings_now(p);
	__u32 tick = window_tick(now->jiffies, s->tick_shift);
	struct net net = net_of(key, c->len);
	struct group_entry group = {};
	struct judgement j = {};
	char text[NET_TEXT], seen[CLOCK_TEXT];
	struct ban_row row;

	groups_find(p, key, &group);
	choose_policy(s, c, tick, group.group, &j);
	return json_pack("{s:s, s:I, s:i, s:i, s:s, s:b, s:I, s:i, s:s}", "net",
			 net_format(&net, text), "failures",
			 (json_int_t)c->failures, "in_window",
			 window_count(c, tick, policy_of(s, &j)->rate.ticks),
			 "last_code", c->last_code, "last_seen",
			 clock_format_boot(clock_boot_of(now, c->last_seen),
					   seen),
			 "banned", !banlist_find(p, key, now, &row),
			 "successes", (json_int_t)c->successes, "users",
			 j.users, "kind", offender_name(j.offender));
}

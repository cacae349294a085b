// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/alarms_fronts.h"

#include <stdio.h>

#include "alarm.h"
#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "maps/clients_map.h"
#include "maps/fronts_map.h"
#include "maps/groups_map.h"
#include "maps/sign_map.h"
#include "pure/front.h"

#define TOLD_MAX 8 /* clients that are reported once each */

struct fronts {
	struct checkup *c;
	struct clock_pair now;
	int told;
};

/* Has somebody decided what the client is? Then there is nothing to tell. */
static bool is_named(const struct pins *p, const struct net *host)
{
	struct group_entry e;
	struct net net;

	return groups_find(p, host, &e) || allowlist_find(p, host, &net);
}

static bool is_banned(const struct fronts *w, const struct net *host)
{
	struct ban_row row;

	return !banlist_find(w->c->p, host, &w->now, &row);
}

/* An alarm of its own, so that the journal tells of it when it happens. */
static void tell_banned(const struct fronts *w, const char *net)
{
	char object[NET_TEXT + 32];

	snprintf(object, sizeof(object), "%s, banned", net);
	problem(w->c, HEALTH_FRONTS, object,
		"a webmail or a gateway, with more failures than are put down "
		"to its users: everybody behind it is locked out",
		"look for who guesses behind it; smtpxdp ban del lifts the "
		"ban");
}

static void judge(const struct net *host, const struct front *f, void *ctx)
{
	struct fronts *w = ctx;
	uint32_t now = front_time(w->now.boot_ns);
	struct net client = client_of(w->c->p, host);
	char text[PROBLEM_SIZE], net[NET_TEXT];
	int accounts = front_accounts(f, now), held = front_held(f, now);

	if (accounts < FRONT_MIN || w->told == TOLD_MAX ||
	    is_named(w->c->p, host))
		return;
	net_format(&client, net);
	snprintf(text, sizeof(text),
		 "a webmail or a gateway? %d%s accounts log in from there; "
		 "bans held back within a day: %d of at most %d",
		 accounts, accounts == FRONT_ACCOUNTS ? " or more" : "", held,
		 accounts / FRONT_PER_BAN);
	if (held)
		problem(w->c, HEALTH_FRONTS, net, text,
			"if it names its clients, by the PROXY protocol or "
			"XCLIENT, name it in proxies, else in lenient-nets; or "
			"look for who guesses behind it");
	w->told += held > 0;
	if (f->over && front_fits(f->over, now) && is_banned(w, host))
		tell_banned(w, net);
}

void alarms_fronts(struct checkup *c, const struct clock_pair *now)
{
	struct fronts w = { .c = c, .now = *now };
	struct sign s;

	if (sign_last(c->p, SIGN_FRONT, &s) &&
	    front_fits(front_time(s.last), front_time(now->boot_ns)))
		fronts_each(c->p, judge, &w);
}

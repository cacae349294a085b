// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Restores the maps from the state file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "lists/owners.h"
#include "maps/history_map.h"
#include "maps/owner_names.h"
#include "base/net_set.h"
#include "maps/settings_map.h"
#include "state/state.h"
#include "state/state_accounts.h"
#include "state/state_logins.h"
#include "state/stamp.h"
#include "state/store_owners.h"

#define NSEC 1000000000LL
/* The seconds that `ban add --for` takes at most. */
#define BAN_LONGEST (100LL * 365 * 86400)
#define CHUNK 4096 /* bans that are written at once */

struct restore {
	struct pins *p;
	struct stamp then;
	struct state_clock now;
	struct restored *r;
	void (*progress)(size_t bans);
	struct net_set allowed;
	struct ban_row *rows; /* CHUNK of them */
	size_t n;
};

/* Asks again: the key `allow` or this host's addresses may have changed. */
static bool is_allowed(const struct restore *v, const struct stored_ban *b)
{
	return net_set_overlaps(&v->allowed, &b->net) &&
	       allow_overrules(allow_map_around(v->p, &b->net), b->flags);
}

/* Writes the bans read so far; counts those that find no room. */
static int write_bans(struct restore *v)
{
	size_t next = 0, done;
	int err = 0;

	while (!err && next < v->n) {
		err = banlist_put_many(v->p, v->rows + next, v->n - next,
				       &done);
		v->r->bans += done;
		next += done;
		if (err == -E2BIG) {
			v->r->full++;
			next++;
			err = 0;
		}
	}
	v->n = 0;
	if (v->progress)
		v->progress(v->r->bans);
	return err;
}

/* False: it has run out, or the allowlist forbids it. */
static bool row_again(const struct restore *v, const struct stored_ban *row,
		      struct ban_row *new)
{
	const struct clock_pair *now = &v->now.clock;
	int64_t left = stamp_remaining(&v->then, &v->now.stamp, row->since,
				       row->expires, BAN_LONGEST);
	int64_t since = stamp_until(&v->then, &v->now.stamp, row->since);

	if (!left || is_allowed(v, row))
		return false;
	*new = (struct ban_row){
		.net = row->net,
		.ban = {
			.expires = now->jiffies + left * clock_hz(),
			.since = now->boot_ns + since * NSEC,
			.failures = row->failures,
			.code = row->code,
			.flags = row->flags & ~(BAN_PROVISIONAL | BAN_SHARED),
			.window = row->failures ? 0 : row->owner,
		},
	};
	memcpy(new->ban.reason, row->reason, sizeof(new->ban.reason));
	return true;
}

static int restore_ban(const struct stored_ban *row, void *ctx)
{
	struct restore *v = ctx;
	struct ban_row *new = &v->rows[v->n];
	struct ban there;

	if (!row_again(v, row, new)) {
		v->r->over++;
		return 0;
	}
	if (banlist_get(v->p, &row->net, &there))
		return ++v->n == CHUNK ? write_bans(v) : 0;
	if (there.expires >= new->ban.expires) {
		v->r->bans++;
		return 0;
	}
	/* by a second, for rounding: what was carried over knows more */
	new->ban.flags |= there.flags &BAN_SHARED;
	new->ban.flags &= ~BAN_SPARES | there.flags;
	return ++v->n == CHUNK ? write_bans(v) : 0;
}

/* What another one wants is done as if he asked again. */
static int restore_claim(const struct stored_ban *row, void *ctx)
{
	struct restore *v = ctx;
	struct ban_row new;
	int err = row_again(v, row, &new) ?
			  owners_claim(v->p, &new, &v->now.clock) :
			  0;

	return err == -E2BIG || err > 0 ? 0 : err;
}

static int restore_owner(uint32_t owner, const char *name, void *ctx)
{
	struct restore *v = ctx;

	owner_name_put(v->p, owner, name);
	return 0;
}

static int restore_bans(struct restore *v, struct store *s)
{
	struct net *nets = NULL;
	size_t n = 0;
	int err = allow_map_nets(v->p, &nets, &n);

	net_set_init(&v->allowed, nets, err ? 0 : n);
	v->rows = calloc(CHUNK, sizeof(*v->rows));
	if (!err && !v->rows)
		err = -ENOMEM;
	if (!err)
		err = store_each_ban(s, restore_ban, v, &v->r->odd);
	if (!err)
		err = write_bans(v);
	if (!err)
		err = store_each_claim(s, restore_claim, v, &v->r->odd);
	if (!err)
		err = store_each_owner(s, restore_owner, v);
	free(v->rows);
	net_set_free(&v->allowed);
	return err;
}

static int restore_history(const struct stored_history *row, void *ctx)
{
	struct restore *v = ctx;
	const struct settings *s = settings_now(v->p);
	int64_t longest = s->ban_max_sec;
	int64_t until = stamp_until(&v->then, &v->now.stamp, row->until);
	struct history h = { .offences = row->offences }, there;

	for (int i = 0; i < POLICIES_MAX; i++)
		if (s->policy[i].ban_sec > longest)
			longest = s->policy[i].ban_sec;
	/* A ban that ends later was noted by a clock that was wrong. */
	if (until > longest)
		until = longest;
	h.until = (int64_t)v->now.clock.boot_ns + until * NSEC;
	there = history_recall(v->p, &row->net, v->now.clock.boot_ns);
	if (there.offences >= h.offences)
		return 0;
	v->r->history++;
	return history_put(v->p, &row->net, &h);
}

static int restore_allow(const struct net *net, void *ctx)
{
	struct restore *v = ctx;
	int err = allowlist_add(v->p, net, ALLOW_COMMAND);

	v->r->allow += !err;
	return err == -ENOSPC ? 0 : err;
}

int state_restore(struct pins *p, struct store *s, struct restored *r,
		  void (*progress)(size_t bans))
{
	struct restore v = { .p = p, .r = r, .progress = progress };
	int err;

	*r = (struct restored){};
	err = store_stamp(s, &v.then);
	if (err == -ENOENT)
		return 0; /* a new file */
	if (!err)
		err = state_clock_read(p, &v.now);
	if (!err)
		err = store_each_net(s, STORE_ALLOW, restore_allow, &v,
				     &r->odd);
	if (!err)
		err = restore_bans(&v, s);
	if (!err)
		err = store_each_history(s, restore_history, &v, &r->odd);
	if (!err)
		err = state_restore_logins(p, s, &v.then, &v.now, &r->logins,
					   &r->odd);
	if (!err)
		err = state_restore_accounts(p, s, &v.then, &v.now);
	return err;
}

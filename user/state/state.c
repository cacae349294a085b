// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Saves the maps in the state file. state_restore.c is the way back. */
#include "state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "maps/activity_map.h"
#include "maps/allow_map.h"
#include "lists/banlist.h"
#include "maps/ban_claims.h"
#include "maps/owner_names.h"
#include "maps/history_map.h"
#include "base/output.h"
#include "maps/settings_map.h"
#include "state/stamp.h"
#include "state/store_owners.h"

#define SAVED_USEC 10000 /* between two looks whether the daemon has saved */

struct save {
	struct pins *p;
	struct store *s;
	struct state_clock now;
	struct ban_claims claims;
	bool has_claims; /* they were read */
	__u32 named; /* the owner whose name was saved last */
};

/* Makes a row of a ban, or of a claim, and saves its owner's name. */
static int stored(struct save *v, const struct net *net, const struct ban *b,
		  struct stored_ban *row)
{
	struct owner_name name;

	*row = (struct stored_ban){
		.net = *net,
		.since = wall_of_boot(&v->now, b->since),
		.expires = v->now.stamp.wall +
			   clock_until(&v->now.clock, b->expires),
		.failures = b->failures,
		.code = b->code,
		/* After a reboot, the ban's event does not come any more. */
		.flags = b->flags & ~(BAN_PROVISIONAL | BAN_SHARED),
		.owner = ban_owner(b),
	};

	memcpy(row->reason, b->reason, sizeof(row->reason));
	if (row->owner == v->named || !owner_name_get(v->p, row->owner, &name))
		return 0;
	v->named = row->owner;
	return store_put_owner(v->s, row->owner, name.text);
}

static int put_ban(struct save *v, const struct net *net, const struct ban *b)
{
	struct stored_ban row;
	int err = stored(v, net, b, &row);

	return err ? err : store_put_ban(v->s, &row);
}

static int put_claim(struct save *v, const struct ban_row *c)
{
	struct stored_ban row;
	int err = stored(v, &c->net, &c->ban, &row);

	return err ? err : store_put_claim(v->s, &row);
}

static int read_claims(struct save *v)
{
	if (v->has_claims)
		return 0;
	v->has_claims = true;
	return ban_claims_look(v->p, v->now.clock.jiffies, &v->claims);
}

/* Saves who else wants a ban; b is NULL if nobody does. */
static int save_claims(struct save *v, const struct net *net,
		       const struct ban *b)
{
	int err = store_del(v->s, STORE_CLAIMS, net);
	const struct ban_row *c;

	if (err || !b || !(b->flags & BAN_SHARED))
		return err;
	err = read_claims(v);
	c = err ? NULL : ban_claims_find(&v->claims, net);
	for (; c && !err; c = ban_claims_next(&v->claims, c))
		if (ban_owner(&c->ban) != ban_owner(b))
			err = put_claim(v, c);
	return err;
}

/* Is this ban to be saved? The self-test's are not. */
static bool ban_holds(const struct save *v, const struct ban *b)
{
	return b->expires > v->now.clock.jiffies && !(b->flags & BAN_TEST);
}

static int put_history(struct save *v, const struct net *net,
		       const struct history *h)
{
	return store_put_history(
		v->s, &(struct stored_history){
			      .net = *net,
			      .offences = h->offences,
			      .until = wall_of_boot(&v->now, h->until),
		      });
}

static int save_ban(struct save *v, const struct net *net)
{
	struct ban b;
	bool holds = !banlist_get(v->p, net, &b) && ban_holds(v, &b);
	int err =
		holds ? put_ban(v, net, &b) : store_del(v->s, STORE_BANS, net);

	return err ? err : save_claims(v, net, holds ? &b : NULL);
}

static int save_change(struct save *v, const struct changed *c)
{
	struct history h;

	switch (c->kind) {
	case CHANGE_BAN:
		return save_ban(v, &c->net);
	case CHANGE_HISTORY:
		h = history_recall(v->p, &c->net, v->now.clock.boot_ns);
		return h.offences ? put_history(v, &c->net, &h) :
				    store_del(v->s, STORE_HISTORY, &c->net);
	case CHANGE_ALLOW:
		return allow_map_get(v->p, &c->net) & ALLOW_COMMAND ?
			       store_put_allow(v->s, &c->net) :
			       store_del(v->s, STORE_ALLOW, &c->net);
	}
	return -EINVAL;
}

struct net_list {
	struct net *nets;
	size_t n, room;
};

static int list_net(const struct ban_row *row, void *ctx)
{
	struct net_list *l = ctx;
	int err = array_grow(&l->nets, &l->room, l->n + 1, sizeof(*l->nets));

	if (!err)
		l->nets[l->n++] = row->net;
	return err;
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct net));
}

/*
 * Saves bans in an order near to the file's own: so SQLite writes each page
 * once, and a million bans take a third of the time. The table has no order.
 */
static int save_bans(struct save *v)
{
	struct net_list l = {};
	int err = banlist_each(v->p, list_net, &l);
	struct ban b;

	if (!err && !l.n)
		err = store_clear(v->s, STORE_BANS); /* row by row takes long */
	else if (!err)
		qsort(l.nets, l.n, sizeof(*l.nets), by_address);
	for (size_t i = 0; !err && i < l.n; i++)
		if (!banlist_get(v->p, &l.nets[i], &b) && ban_holds(v, &b))
			err = put_ban(v, &l.nets[i], &b);
	free(l.nets);
	return err;
}

static int save_all_claims(struct save *v)
{
	int err = store_clear(v->s, STORE_CLAIMS);

	if (!err)
		err = read_claims(v);
	for (size_t i = 0; !err && i < v->claims.n; i++)
		err = put_claim(v, &v->claims.rows[i]);
	return err;
}

static int save_history(const struct net *net, const struct history *h,
			void *ctx)
{
	return put_history(ctx, net, h);
}

static int save_allow(const struct net *net, __u32 flags, void *ctx)
{
	struct save *v = ctx;

	return flags & ALLOW_COMMAND ? store_put_allow(v->s, net) : 0;
}

/* Deletes a row of the file whose ban is gone from the maps; likewise below. */
static int drop_ban(const struct net *net, void *ctx)
{
	struct save *v = ctx;
	struct ban b;

	return !banlist_get(v->p, net, &b) && ban_holds(v, &b) ?
		       0 :
		       store_del(v->s, STORE_BANS, net);
}

static int drop_history(const struct net *net, void *ctx)
{
	return save_change(ctx, &(struct changed){ CHANGE_HISTORY, *net });
}

static int drop_allow(const struct net *net, void *ctx)
{
	return save_change(ctx, &(struct changed){ CHANGE_ALLOW, *net });
}

static int save_all(struct save *v)
{
	size_t odd = 0;
	int err = save_bans(v);

	if (!err)
		err = save_all_claims(v);
	if (!err)
		err = history_each(v->p, save_history, v);
	if (!err)
		err = allow_map_each(v->p, save_allow, v);
	if (!err)
		err = store_each_net(v->s, STORE_BANS, drop_ban, v, &odd);
	if (!err)
		err = store_each_net(v->s, STORE_HISTORY, drop_history, v,
				     &odd);
	if (!err)
		err = store_each_net(v->s, STORE_ALLOW, drop_allow, v, &odd);
	if (!err)
		err = store_tidy_owners(v->s);
	return err;
}

/*
 * Stamps the file, and shifts its times if the wall clock was set. To be called
 * in a transaction.
 */
static int set_stamp(struct store *s, const struct stamp *then,
		     const struct stamp *now)
{
	int64_t step = stamp_step(then, now);
	int err = step ? store_shift(s, step) : 0;

	return err ? err : store_put_stamp(s, now);
}

/*
 * Reads the maps after it has locked the file: so of several processes that
 * save, the last one writes the latest entries.
 */
static int save_locked(struct save *v, const struct change_list *c)
{
	struct stamp then;
	int err = state_clock_read(v->p, &v->now);

	if (!err)
		err = store_stamp(v->s, &then);
	if (err == -ENOENT || (!err && !same_maps(&then, &v->now.stamp)))
		return -ESTALE;
	if (!err)
		err = set_stamp(v->s, &then, &v->now.stamp);
	if (!err && c->all)
		err = save_all(v);
	for (size_t i = 0; !err && !c->all && i < c->n; i++)
		err = save_change(v, &c->list[i]);
	return err;
}

static int end(struct store *s, int err)
{
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

int state_save(struct pins *p, struct store *s, const struct change_list *c)
{
	struct save v = { .p = p, .s = s };
	int err = store_begin(s);

	if (!err)
		err = end(s, save_locked(&v, c));
	free(v.claims.rows);
	return err;
}

int state_adopt(struct pins *p, struct store *s)
{
	struct state_clock now;
	struct stamp then;
	int err = state_clock_read(p, &now);

	if (!err)
		err = store_begin(s);
	if (err)
		return err;
	err = store_stamp(s, &then);
	if (err == -ENOENT)
		then = now.stamp;
	if (!err || err == -ENOENT)
		err = set_stamp(s, &then, &now.stamp);
	return end(s, err);
}

bool state_is_mirror(const struct pins *p, struct store *s)
{
	struct state_clock now;
	struct stamp then;

	return !state_clock_read(p, &now) && !store_stamp(s, &then) &&
	       same_maps(&then, &now.stamp);
}

static int save_to(struct pins *p, const char *dir,
		   const struct change_list *changes)
{
	struct store *s;
	int err = store_open(&s, dir);

	if (!err)
		err = state_save(p, s, changes);
	store_close(s);
	return err;
}

/* -ECANCELED: the daemon has ended, or hangs, and has not saved. */
static int await_daemon(struct pins *p, uint64_t number)
{
	while (activity_saved(p) < number) {
		enum daemon_state state = daemon_state(p);

		if (state == DAEMON_DEAD || state == DAEMON_HUNG)
			return -ECANCELED;
		if (!activity_is_saved(p))
			return -EIO;
		usleep(SAVED_USEC);
	}
	return 0;
}

/* Leaves a save that takes long to the daemon. */
static int save_by_daemon(struct pins *p, bool wait)
{
	uint64_t number = activity_ask_save(p);

	return wait ? await_daemon(p, number) : 0;
}

void state_save_command(struct pins *p, bool wait)
{
	struct change_list changes = changes_take(&p->changes);
	struct daemon_info *info = malloc(sizeof(*info));
	char why[STORE_EXPLAIN_SIZE];
	bool known = info && !daemon_read(p, info) && *info->state_dir;
	int err = -ECANCELED;

	if (changes.all && pins_daemon_alive(p->dir))
		err = save_by_daemon(p, wait);
	if (err == -ECANCELED)
		err = known && (changes.n || changes.all) ?
			      save_to(p, info->state_dir, &changes) :
			      0;
	if (err)
		warn("it is in force, but not saved, and a reboot will undo "
		     "it: %s",
		     store_explain(info->state_dir, err, why, sizeof(why)));
	free(changes.list);
	free(info);
}

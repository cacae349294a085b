// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/ban_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/net_set.h"
#include "lists/allowlist.h"
#include "lists/special_nets.h"
#include "maps/clients_map.h"
#include "maps/owner_names.h"

#define CHUNK 4096 /* bans written at once, between two looks at the clock */

static uint64_t seconds_of(const struct ban_load *l, uint32_t entry)
{
	uint64_t seconds = l->file->entries[entry].seconds;

	return seconds ? seconds : l->seconds;
}

static uint32_t owner_of(const struct ban_load *l, uint32_t entry)
{
	const struct ban_file_entry *e = &l->file->entries[entry];

	return l->file->restore ? ban_entry_owner(e) : l->owner;
}

static uint64_t end_of(const struct ban_load *l, const struct ban_planned *b)
{
	return l->now.jiffies + seconds_of(l, b->entry) * clock_hz();
}

static int leave_out(struct nets_left_out *to, const struct net *net)
{
	int err = array_grow(&to->nets, &to->room, to->n + 1, sizeof(*net));

	if (!err)
		to->nets[to->n++] = *net;
	return err;
}

/* Takes a network of the file into the plan, or leaves it out. */
static int take(struct ban_load *l, const struct net_set *special,
		const struct net_set *allowed, uint32_t entry)
{
	const struct ban_file_entry *e = &l->file->entries[entry];
	struct net net = e->whole ? client_of(l->p, &e->net) :
				    host_inside(l->p, &e->net);
	struct net around;
	__u32 flags = 0;

	if (!l->private && !l->file->restore && net_set_overlaps(special, &net))
		return leave_out(&l->special, &net);
	if (net_set_overlaps(allowed, &net))
		flags = allowlist_objects(l->p, &net, &around);
	if (flags && allow_overrules(flags, e->flags))
		return leave_out(&l->refused, &net);
	l->plan[l->n++] = (struct ban_planned){ net, entry, false };
	return 0;
}

/* By network and owner; of both, the longest ban first. */
static int compare(const void *a, const void *b, void *ctx)
{
	const struct ban_planned *x = a, *y = b;
	int diff = memcmp(&x->net, &y->net, sizeof(x->net));
	uint64_t m = owner_of(ctx, x->entry), n = owner_of(ctx, y->entry);

	if (diff || m != n)
		return diff ? diff : m < n ? -1 : 1;
	m = seconds_of(ctx, x->entry);
	n = seconds_of(ctx, y->entry);
	return m == n ? (x->entry > y->entry) - (x->entry < y->entry) :
	       m > n  ? -1 :
			1;
}

static bool is_double(const struct ban_load *l, const struct ban_planned *a,
		      const struct ban_planned *b)
{
	return net_equal(&a->net, &b->net) &&
	       owner_of(l, a->entry) == owner_of(l, b->entry);
}

static void drop_doubles(struct ban_load *l)
{
	size_t n = 0;

	if (l->n)
		qsort_r(l->plan, l->n, sizeof(*l->plan), compare, l);
	for (size_t i = 0; i < l->n; i++)
		if (!n || !is_double(l, &l->plan[n - 1], &l->plan[i]))
			l->plan[n++] = l->plan[i];
	l->n = n;
}

/* Does the plan have the network of its i-th before, for another owner? */
static bool is_shared(const struct ban_load *l, size_t i)
{
	return i && net_equal(&l->plan[i - 1].net, &l->plan[i].net);
}

/* Counts what is new, and marks what is not. */
static void count_new(struct ban_load *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct ban_planned *b = &l->plan[i];
		uint64_t end = banlist_end(l->p, &b->net);

		b->there = end > l->now.jiffies || is_shared(l, i);
		if (is_shared(l, i))
			continue;
		if (!is_client(l->p, &b->net))
			l->need.nets += !end;
		else
			l->need.clients += !b->there;
	}
}

static int compare_nets(const void *a, const void *b)
{
	const struct ban_planned *x = a, *y = b;

	return memcmp(&x->net, &y->net, sizeof(x->net));
}

static bool is_planned(const struct net *net, void *ctx)
{
	const struct ban_load *l = ctx;
	const struct ban_planned key = { .net = *net };

	return bsearch(&key, l->plan, l->n, sizeof(key), compare_nets);
}

/* Finds what the list had before, and has no more. */
static int find_gone(struct ban_load *l)
{
	int err = ban_claims_read(l->p, l->now.jiffies, &l->claims);
	struct ban b;

	l->gone = (struct owned){ l->owner, is_planned, l, NULL, 0, 0 };
	if (!err)
		err = owners_list(l->p, &l->claims, &l->gone);
	for (size_t i = 0; i < l->gone.n; i++) {
		const struct net *net = &l->gone.nets[i];

		if (banlist_get(l->p, net, &b) || b.flags & BAN_SHARED)
			continue;
		if (!is_client(l->p, net))
			l->room.nets++;
		else
			l->room.clients += b.expires > l->now.jiffies;
	}
	return err;
}

static int take_all(struct ban_load *l)
{
	struct net_set allowed, special;
	struct net *nets = NULL;
	size_t n = 0;
	int err = special_nets(&special);

	if (err)
		return err;
	err = allow_map_nets(l->p, &nets, &n);
	net_set_init(&allowed, nets, err ? 0 : n);
	for (size_t i = 0; i < l->file->n && !err; i++)
		err = take(l, &special, &allowed, i);
	net_set_free(&allowed);
	net_set_free(&special);
	return err;
}

int ban_load_plan(struct ban_load *l)
{
	int err = clock_read(l->p->prog[PROG_CLOCK], &l->now);

	l->plan = calloc(l->file->n + 1, sizeof(*l->plan));
	if (!err && !l->plan)
		err = -ENOMEM;
	if (!err)
		err = take_all(l);
	if (err)
		return err;
	drop_doubles(l);
	count_new(l);
	err = banlist_room(l->p, l->now.jiffies, &l->room);
	if (!err && l->replace)
		err = find_gone(l);
	if (!err &&
	    (l->need.clients > l->room.clients || l->need.nets > l->room.nets))
		err = -E2BIG;
	return err;
}

static void row_of(struct ban_load *l, const struct ban_planned *b,
		   struct ban_row *row)
{
	const struct ban_file_entry *e = &l->file->entries[b->entry];

	row->net = b->net;
	row->ban = (struct ban){
		.expires = end_of(l, b),
		.since = e->since ? clock_boot_of_wall(e->since) :
				    l->now.boot_ns,
		.failures = e->failures,
		.code = e->code,
		.flags = e->flags,
		.window = e->failures ? e->window : owner_of(l, b->entry),
	};
	snprintf(row->ban.reason, sizeof(row->ban.reason), "%s",
		 e->reason ? l->file->text + e->reason : l->reason);
	if (e->owner && l->named != row->ban.window)
		owner_name_put(l->p, row->ban.window, l->file->text + e->owner);
	if (e->owner)
		l->named = row->ban.window;
}

/* Takes back what is gone from the list. */
static int lift_gone(struct ban_load *l)
{
	int err = 0;

	for (size_t i = 0; i < l->gone.n && err >= 0; i++) {
		err = owners_release(l->p, &l->gone.nets[i], l->owner,
				     &l->claims);
		l->lifted += err == 1;
		err = err == -ENOENT ? 0 : err;
	}
	return err < 0 ? err : 0;
}

/*
 * A ban of the row's network holds already. 0: the row is to be written over
 * it; 1: it is done with, for that ban ends later, or is another one's.
 */
static int claim(struct ban_load *l, struct ban_row *row)
{
	struct ban there;
	int err;

	if (banlist_get(l->p, &row->net, &there))
		return 0;
	if (ban_owner(&there) == ban_owner(&row->ban)) {
		l->kept += there.expires > row->ban.expires;
		row->ban.flags |= there.flags & BAN_SHARED;
		return there.expires > row->ban.expires;
	}
	err = owners_claim(l->p, row, &l->now);
	l->kept += err == 1;
	l->done += !err;
	return err < 0 ? err : 1;
}

static int write_chunk(struct ban_load *l, struct ban_row *rows)
{
	size_t n = 0, done = 0;
	int err = 0;

	for (; err >= 0 && l->next < l->n && n < CHUNK; l->next++) {
		/* the other owner's ban is written before it is shared */
		if (n && is_shared(l, l->next))
			break;
		row_of(l, &l->plan[l->next], &rows[n]);
		err = l->plan[l->next].there ? claim(l, &rows[n]) : 0;
		n += !err;
	}
	if (err >= 0)
		err = banlist_put_many(l->p, rows, n, &done);
	l->done += done;
	l->progress(l, false);
	return err;
}

int ban_load_write(struct ban_load *l)
{
	struct ban_row *rows = calloc(CHUNK, sizeof(*rows));
	int err = rows ? lift_gone(l) : -ENOMEM;

	while (!err && l->next < l->n)
		err = write_chunk(l, rows);
	l->progress(l, true);
	free(rows);
	return err;
}

void ban_load_free(struct ban_load *l)
{
	free(l->plan);
	free(l->claims.rows);
	free(l->gone.nets);
	free(l->special.nets);
	free(l->refused.nets);
}

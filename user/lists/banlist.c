// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/banlist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/net_set.h"
#include "maps/allow_map.h"
#include "maps/ban_claims.h"
#include "maps/ban_nets.h"
#include "maps/ban_notes.h"
#include "maps/clients_map.h"
#include "sys/rcu.h"

uint32_t banlist_max(const struct pins *p)
{
	return p->bans.head->max;
}

static void row_of(const struct pins *p, const struct ban_view *v,
		   struct ban_row *row)
{
	const struct ban_info *i = &v->info;
	struct ban *b = &row->ban;

	row->net = ban_view_net(v);
	*b = (struct ban){
		.expires =
			ban_tick_jiffies(v->expires, p->bans.head->tick_shift),
		.since = i->cause.since,
		.packets = i->packets,
		.bytes = i->bytes,
		.failures = i->cause.failures,
		.code = ban_code(&i->cause),
		.len = i->cause.len,
		.flags = ban_flags(&i->cause) & ~BAN_NOTED,
		.window = i->cause.window,
	};
	ban_default_reason(b, b->reason);
	if (ban_flags(&i->cause) & BAN_NOTED)
		ban_note_get(p, &row->net, v->expires, b);
}

static int visit(const struct pins *p, uint32_t line, uint32_t way,
		 bool provisional_only, ban_row_fn fn, void *ctx)
{
	struct ban_row row;
	struct ban_view v;

	if (!ban_map_view(p->bans.head, line, way, &v) ||
	    (provisional_only && !(ban_flags(&v.info.cause) & BAN_PROVISIONAL)))
		return 0;
	row_of(p, &v, &row);
	return fn(&row, ctx);
}

int banlist_each_client(const struct pins *p, ban_row_fn fn, void *ctx)
{
	uint32_t lines = p->bans.head->lines;
	int err = 0;

	for (uint32_t i = 1; i <= lines && !err; i++)
		for (uint32_t w = 0; w < BAN_WAYS && !err; w++)
			err = visit(p, i, w, false, fn, ctx);
	return err;
}

int banlist_each_due(const struct pins *p, uint64_t jiffies, bool provisional,
		     ban_row_fn fn, void *ctx)
{
	struct ban_head *h = p->bans.head;
	uint32_t now = jiffies >> h->tick_shift;
	int err = ban_nets_each(p, fn, ctx);

	for (uint32_t i = 1; i <= h->lines && !err; i++) {
		const struct ban_line *l = ban_line_at(h, i);

		for (uint32_t w = 0; w < BAN_WAYS && !err; w++) {
			uint32_t e = BAN_READ(l->expires[w]);

			if (e > BAN_CLAIMED && (e <= now || provisional))
				err = visit(p, i, w, e > now, fn, ctx);
		}
	}
	return err;
}

int banlist_each(const struct pins *p, ban_row_fn fn, void *ctx)
{
	int err = ban_nets_each(p, fn, ctx);

	return err ? err : banlist_each_client(p, fn, ctx);
}

/* The clock and the allowlist, read once for many writes. */
struct writing {
	struct pins *p;
	struct clock_pair now;
	struct net_set allowed;
};

static int writing_begin(struct writing *w, struct pins *p)
{
	struct net *nets = NULL;
	size_t n = 0;
	int err = clock_read(p->prog[PROG_CLOCK], &w->now);

	w->p = p;
	if (!err)
		err = allow_map_nets(p, &nets, &n);
	net_set_init(&w->allowed, nets, err ? 0 : n);
	return err;
}

static int remove_client(struct pins *p, const struct net *net, uint32_t until)
{
	struct ban_client c = ban_map_client(p->bans.head, net);
	int n = ban_remove(p->bans.head, &c, until);

	if (n)
		ban_note_drop(p, net);
	return n ? 0 : -ENOENT;
}

static int put_client(struct writing *w, const struct net *net,
		      const struct ban *b)
{
	struct ban_head *h = w->p->bans.head;
	struct ban_client c = ban_map_client(h, net);
	struct ban_entry e = {
		.expires = ban_tick_up(b->expires, h->tick_shift),
		.now = w->now.jiffies >> h->tick_shift,
		.mode = BAN_REPLACE,
		.cause = {
			.since = b->since,
			.window = b->window,
			.len = net->len,
			.failures = b->failures < UINT8_MAX ? b->failures :
							       UINT8_MAX,
		},
	};
	int noted;

	if (e.expires <= e.now) {
		int err = remove_client(w->p, net, BAN_TICK_MAX);

		return err == -ENOENT ? 0 : err;
	}
	if (b->flags & (BAN_TEST | BAN_SPARES) ||
	    net_set_overlaps(&w->allowed, net))
		e.not_plain = BAN_NOT_PLAIN;
	noted = ban_note_put(w->p, &c, net, b, e.expires);
	if (noted < 0)
		return noted;
	e.cause.code_flags =
		ban_code_flags(b->code, (b->flags & ~BAN_NOTED) | noted);
	return ban_put(h, &c, &e);
}

int banlist_put_many(struct pins *p, const struct ban_row *rows, size_t n,
		     size_t *done)
{
	struct writing w;
	int err = writing_begin(&w, p);

	for (*done = 0; !err && *done < n; *done += !err) {
		const struct ban_row *row = &rows[*done];

		changes_note(&p->changes, CHANGE_BAN, &row->net);
		err = is_client(p, &row->net) ?
			      put_client(&w, &row->net, &row->ban) :
			      ban_nets_put(p, &row->net, &row->ban);
	}
	net_set_free(&w.allowed);
	return err;
}

int banlist_put(struct pins *p, const struct net *net, const struct ban *b)
{
	struct ban_row row = { .net = *net, .ban = *b };
	size_t done;

	return banlist_put_many(p, &row, 1, &done);
}

int banlist_copy_to_nets(struct pins *p, const struct ban_row *row)
{
	return ban_nets_put(p, &row->net, &row->ban);
}

int banlist_remove_client(struct pins *p, const struct net *net)
{
	return remove_client(p, net, BAN_TICK_MAX);
}

int banlist_remove_net(struct pins *p, const struct net *net)
{
	return ban_nets_del(p, net);
}

/* After a change of client prefixes the ban may be in either map, or both. */
int banlist_remove(struct pins *p, const struct net *net)
{
	struct ban there;
	bool shared = !banlist_get(p, net, &there) && there.flags & BAN_SHARED;
	bool exact = is_client(p, net) && !banlist_remove_client(p, net);
	int err = ban_nets_del(p, net);

	if (shared)
		ban_claims_drop(p, net);
	changes_note(&p->changes, CHANGE_BAN, net);
	return exact && err == -ENOENT ? 0 : err;
}

int banlist_del(struct pins *p, const struct net *net)
{
	int err = banlist_remove(p, net);

	clients_forget(p, net);
	return err;
}

struct clearing {
	struct pins *p;
	int n;
};

static int clear_net(const struct ban_row *row, void *ctx)
{
	struct clearing *c = ctx;
	int err = ban_nets_del(c->p, &row->net);

	changes_note(&c->p->changes, CHANGE_BAN, &row->net);
	c->n += !err;
	return err == -ENOENT ? 0 : err;
}

static void clear_client(struct clearing *c, const struct ban_view *v)
{
	struct ban_client client = { .addr = v->info.client };
	struct net net = ban_view_net(v);

	ban_client(c->p->bans.head, &client);
	if (!ban_remove(c->p->bans.head, &client, BAN_TICK_MAX))
		return;
	c->n++;
	changes_note(&c->p->changes, CHANGE_BAN, &net);
	if (ban_flags(&v->info.cause) & BAN_NOTED)
		ban_note_drop(c->p, &net);
}

int banlist_clear(struct pins *p)
{
	struct clearing c = { .p = p };
	struct ban_head *h = p->bans.head;
	struct ban_view v;
	int err;

	ban_claims_drop(p, NULL);
	err = ban_nets_each(p, clear_net, &c);
	for (uint32_t i = 1; i <= h->lines; i++)
		for (uint32_t w = 0; w < BAN_WAYS; w++)
			if (ban_map_view(h, i, w, &v))
				clear_client(&c, &v);
	clients_forget_banned(p);
	return err ? err : c.n;
}

/* A sensor may ban the client again meanwhile: that ban is another one. */
static int expire_client(struct pins *p, const struct net *net)
{
	struct ban_head *h = p->bans.head;
	struct ban_client c = ban_map_client(h, net);
	struct clock_pair now;
	int err = clock_read(p->prog[PROG_CLOCK], &now);

	if (!err)
		err = remove_client(p, net, now.jiffies >> h->tick_shift);
	if (err != -ENOENT)
		return err;
	return ban_search(h, &c, 0, BAN_CLAIMED) < 0 ? -ENOENT : -EBUSY;
}

int banlist_expire(struct pins *p, const struct net *net)
{
	int err = is_client(p, net) ? expire_client(p, net) : -ENOENT;

	changes_note(&p->changes, CHANGE_BAN, net);
	return err == -ENOENT ? ban_nets_del(p, net) : err;
}

int banlist_get(const struct pins *p, const struct net *net, struct ban *b)
{
	struct ban_head *h = p->bans.head;
	struct ban_client c = ban_map_client(h, net);
	struct ban_row row;
	struct ban_view v;
	int pos = -1;

	if (!is_client(p, net))
		return ban_nets_get(p, net, b);
	while ((pos = ban_search(h, &c, pos + 1, BAN_CLAIMED)) >= 0) {
		if (!ban_map_view(h, ban_index(&c, pos), pos % BAN_WAYS, &v))
			continue;
		row_of(p, &v, &row);
		*b = row.ban;
		return 0;
	}
	/* A ban from before client prefixes changed is in the other map. */
	return ban_nets_get(p, net, b);
}

uint64_t banlist_end(const struct pins *p, const struct net *net)
{
	struct ban_head *h = p->bans.head;
	struct ban_client c = ban_map_client(h, net);
	int pos = is_client(p, net) ? ban_search(h, &c, 0, BAN_CLAIMED) : -1;
	uint32_t tick = pos < 0 ? 0 : ban_expires(h, &c, pos);
	struct ban b;

	/* A note may say more than the largest tick. */
	if (tick && tick < BAN_TICK_MAX)
		return ban_tick_jiffies(tick, h->tick_shift);
	return banlist_get(p, net, &b) ? 0 : b.expires;
}

static int count_one(const struct ban_row *row, void *ctx)
{
	++*(size_t *)ctx;
	return 0;
}

int banlist_room(const struct pins *p, uint64_t jiffies, struct ban_room *r)
{
	struct ban_head *h = p->bans.head;
	uint32_t now = jiffies >> h->tick_shift;
	size_t nets = 0, clients = 0;
	int err = ban_nets_each(p, count_one, &nets);

	for (uint32_t i = 1; i <= h->lines; i++)
		for (uint32_t w = 0; w < BAN_WAYS; w++)
			clients +=
				BAN_READ(ban_line_at(h, i)->expires[w]) > now;
	r->clients = clients < h->max ? h->max - clients : 0;
	r->nets = nets < h->max ? h->max - nets : 0;
	return err;
}

int banlist_find(const struct pins *p, const struct net *host,
		 const struct clock_pair *now, struct ban_row *row)
{
	struct net inside = host_inside(p, host);

	row->net = client_of(p, &inside);
	if (!banlist_get(p, &row->net, &row->ban) &&
	    row->ban.expires > now->jiffies)
		return 0;
	return ban_nets_find(p, &inside, now, row);
}

/* A slot may change hands meanwhile: then a plain ban is asked for, too. */
int banlist_ask(struct pins *p, const struct net *nets, size_t n)
{
	struct net *copy = calloc(n + 1, sizeof(*copy));
	struct ban_head *h = p->bans.head;
	struct net_set set;
	struct ban_view v;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, nets, n * sizeof(*copy));
	net_set_init(&set, copy, n);
	/* The allowlist was written first: see ask_if_allowed(), failure.h. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 1; n && i <= h->lines; i++) {
		for (uint32_t w = 0; w < BAN_WAYS; w++) {
			struct net net;

			if (!ban_map_view(h, i, w, &v))
				continue;
			net = ban_view_net(&v);
			if (net_set_overlaps(&set, &net))
				__sync_fetch_and_or(
					&ban_line_at(h, i)->count[w],
					BAN_NOT_PLAIN);
		}
	}
	net_set_free(&set);
	return 0;
}

int banlist_tidy(struct pins *p)
{
	struct ban_head *h = p->bans.head;

	if (ban_filter_is_full(h)) {
		rcu_wait(); /* the gate may still read the other filter */
		ban_filter_build(h);
	}
	return ban_nets_tidy(p);
}

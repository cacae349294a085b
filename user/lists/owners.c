// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"

static int put(struct pins *p, const struct net *net, const struct ban *b,
	       bool shared)
{
	struct ban_row row = { .net = *net, .ban = *b };
	size_t done;

	row.ban.flags &= ~BAN_SHARED;
	if (shared)
		row.ban.flags |= BAN_SHARED;
	return banlist_put_many(p, &row, 1, &done);
}

/* Another one's ban is there: the longer one is in the list, both are kept. */
static int share(struct pins *p, const struct ban_row *row,
		 const struct ban *there)
{
	bool longer = row->ban.expires > there->expires;
	struct ban kept = longer ? row->ban : *there;
	int err = ban_claim_put(p, &row->net, longer ? there : &row->ban);

	/* what one of them wants closed, is closed */
	if (!(row->ban.flags & there->flags & BAN_SPARES))
		kept.flags &= ~BAN_SPARES;
	if (!err && (longer || kept.flags != there->flags ||
		     !(there->flags & BAN_SHARED)))
		err = put(p, &row->net, &kept, true);
	if (!err && longer)
		ban_claim_del(p, &row->net, ban_owner(&row->ban));
	return err ? err : !longer;
}

int owners_claim(struct pins *p, const struct ban_row *row,
		 const struct clock_pair *now)
{
	struct ban there;
	int err;

	if (banlist_get(p, &row->net, &there) || there.expires <= now->jiffies)
		return put(p, &row->net, &row->ban, false);
	if (ban_owner(&row->ban) != ban_owner(&there))
		return share(p, row, &there);
	if (there.expires > row->ban.expires) {
		if (!(there.flags & ~row->ban.flags & BAN_SPARES))
			return 1;
		there.flags &= ~BAN_SPARES;
		err = put(p, &row->net, &there, there.flags & BAN_SHARED);
		return err ? err : 1;
	}
	return put(p, &row->net, &row->ban, there.flags & BAN_SHARED);
}

/* Drops a claim, also from what was read of the map. */
static int drop(struct pins *p, const struct net *net, __u32 owner,
		struct ban_claims *claims)
{
	ban_claims_forget(claims, net, owner);
	return ban_claim_del(p, net, owner);
}

int owners_release(struct pins *p, const struct net *net, __u32 owner,
		   struct ban_claims *claims)
{
	const struct ban_row *c = NULL, *next = NULL;
	bool more = false;
	struct ban there;
	int err = banlist_get(p, net, &there);

	if (err || ban_owner(&there) != owner)
		return err ? err : drop(p, net, owner, claims);
	if (there.flags & BAN_SHARED)
		c = ban_claims_find(claims, net);
	for (; c; c = ban_claims_next(claims, c)) {
		if (ban_owner(&c->ban) == owner)
			continue;
		more |= next != NULL;
		next = next ? next : c;
	}
	if (!next) {
		err = banlist_remove(p, net);
		return err ? err : 1;
	}
	err = put(p, net, &next->ban, more);
	if (!err)
		drop(p, net, ban_owner(&next->ban), claims);
	return err;
}

static int note(struct owned *o, const struct ban_row *row)
{
	int err;

	if (ban_owner(&row->ban) != o->owner || row->ban.flags & BAN_TEST ||
	    (o->keeps && o->keeps(&row->net, o->ctx)))
		return 0;
	err = array_grow(&o->nets, &o->room, o->n + 1, sizeof(*o->nets));
	if (!err)
		o->nets[o->n++] = row->net;
	return err;
}

static int list_one(const struct ban_row *row, void *ctx)
{
	return note(ctx, row);
}

int owners_list(const struct pins *p, const struct ban_claims *claims,
		struct owned *o)
{
	int err = banlist_each(p, list_one, o);

	for (size_t i = 0; i < claims->n && !err; i++)
		err = note(o, &claims->rows[i]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Saves and restores who has logged in, and when: the programs write that map. */
#include "state/state_logins.h"

#include <errno.h>

#include "maps/logins_map.h"
#include "state/state_accounts.h"

#define NSEC 1000000000LL

struct logins {
	struct pins *p;
	struct store *s;
	struct stamp then;
	struct state_clock now;
	size_t n;
};

static int save_one(const struct net *client, const struct login *l, void *ctx)
{
	struct logins *v = ctx;

	return store_put_login(v->s,
			       &(struct stored_login){
				       .net = *client,
				       .first = wall_of_boot(&v->now, l->first),
				       .last = wall_of_boot(&v->now, l->last),
				       .account = l->account });
}

/* Deletes a row whose client has made room for others in the map. */
static int drop_one(const struct net *net, void *ctx)
{
	struct logins *v = ctx;
	struct login l;

	return logins_find(v->p, net, &l) ? 0 :
					    store_del(v->s, STORE_LOGINS, net);
}

static int save_locked(struct logins *v)
{
	size_t odd = 0;
	int err = store_stamp(v->s, &v->then);

	if (!err)
		err = state_clock_read(v->p, &v->now);
	if (!err && !same_maps(&v->then, &v->now.stamp))
		err = -ESTALE;
	if (!err)
		err = logins_each(v->p, save_one, v);
	if (!err)
		err = store_each_net(v->s, STORE_LOGINS, drop_one, v, &odd);
	if (!err)
		err = state_save_accounts(v->p, v->s, &v->now);
	return err;
}

int state_save_logins(struct pins *p, struct store *s)
{
	struct logins v = { .p = p, .s = s };
	int err = store_begin(s);

	if (err)
		return err;
	err = save_locked(&v);
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

/* The ns of the boot clock at a time of the file, which is past. */
static int64_t boot_at(const struct logins *v, int64_t time)
{
	int64_t until = stamp_until(&v->then, &v->now.stamp, time);

	return (int64_t)v->now.clock.boot_ns + (until < 0 ? until : 0) * NSEC;
}

static int restore_one(const struct stored_login *row, void *ctx)
{
	struct logins *v = ctx;
	struct login l = { .first = boot_at(v, row->first),
			   .last = boot_at(v, row->last),
			   .account = row->account };
	struct login there;

	if (logins_find(v->p, &row->net, &there)) {
		if (there.first < l.first)
			l.first = there.first;
		if (there.last > l.last)
			l.last = there.last;
		l.account = there.account ? there.account : l.account;
	}
	v->n++;
	return logins_put(v->p, &row->net, &l);
}

int state_restore_logins(struct pins *p, struct store *s,
			 const struct stamp *then,
			 const struct state_clock *now, size_t *n, size_t *odd)
{
	struct logins v = { .p = p, .s = s, .then = *then, .now = *now };
	int err = store_each_login(s, restore_one, &v, odd);

	*n = v.n;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/state_accounts.h"

#include <errno.h>
#include <string.h>

#include "maps/accounts_map.h"
#include "maps/settings_map.h"
#include "state/store_accounts.h"

#define NSEC 1000000000LL

struct accounts {
	struct pins *p;
	struct store *s;
	struct stamp then;
	struct state_clock now;
};

/* Writes the maps' key, unless the file has it. */
static int save_key(struct accounts *v)
{
	uint64_t is[2], was[2];
	__u64 k[2];
	int err = name_key_read(v->p, k);

	if (err)
		return err;
	is[0] = k[0];
	is[1] = k[1];
	err = store_account_key(v->s, was);
	if (!err && !memcmp(is, was, sizeof(is)))
		return 0;
	return err && err != -ENOENT ? err : store_put_account_key(v->s, is);
}

static int save_one(const struct account_net *key,
		    const struct account_login *l, void *ctx)
{
	struct accounts *v = ctx;

	return store_put_account_net(
		v->s, &(struct stored_account_net){
			      .user = key->user,
			      .net = key->net,
			      .last = wall_of_boot(&v->now, l->last) });
}

/* Deletes a row that has made room for others in the map. */
static int drop_one(const struct stored_account_net *n, void *ctx)
{
	struct accounts *v = ctx;
	struct account_net key = { n->user, n->net };

	return account_nets_find(v->p, &key) ? 0 :
					       store_del_account_net(v->s, n);
}

int state_save_accounts(struct pins *p, struct store *s,
			const struct state_clock *now)
{
	struct accounts v = { .p = p, .s = s, .now = *now };
	int err = save_key(&v);

	if (!err)
		err = account_nets_each(p, save_one, &v);
	if (!err)
		err = store_each_account_net(s, drop_one, &v);
	return err;
}

static int restore_one(const struct stored_account_net *n, void *ctx)
{
	struct accounts *v = ctx;
	struct account_net key = { n->user, n->net };
	int64_t until = stamp_until(&v->then, &v->now.stamp, n->last);
	struct account_login l = { (int64_t)v->now.clock.boot_ns +
				   (until < 0 ? until : 0) * NSEC };

	return account_nets_put(v->p, &key, &l);
}

/* Compiles the settings again: they have hashes of users, too. */
static int hash_again(struct pins *p)
{
	struct config c;
	int err = config_init(&c);

	if (err)
		return err;
	err = settings_load(p, &c);
	if (!err)
		err = settings_publish(p, &c);
	config_free(&c);
	return err;
}

int state_restore_accounts(struct pins *p, struct store *s,
			   const struct stamp *then,
			   const struct state_clock *now)
{
	struct accounts v = { .p = p, .s = s, .then = *then, .now = *now };
	uint64_t k[2];
	int err = store_account_key(s, k);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = name_key_write(p, (__u64[]){ k[0], k[1] });
	if (!err)
		err = hash_again(p);
	return err ? err : store_each_account_net(s, restore_one, &v);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of the state file with the networks from which each user has logged
 * in (account_nets), and with the key by which users are hashed there, in logins,
 * too (account_key). The hashes are worth nothing without that key.
 */
#ifndef SMTPXDP_STORE_ACCOUNTS_H
#define SMTPXDP_STORE_ACCOUNTS_H

#include "state/store.h"

struct stored_account_net {
	uint64_t user, net; /* see struct account_net */
	int64_t last; /* second of the last login, not exact: see below */
};

/* -ENOENT: there is none. */
int store_account_key(struct store *s, uint64_t k[static 2]);

/* Puts another key: what was hashed by the one before is dropped. */
int store_put_account_key(struct store *s, const uint64_t k[static 2]);

/* A row whose last login was within a day before is not written again. */
int store_put_account_net(struct store *s, const struct stored_account_net *n);
int store_del_account_net(struct store *s, const struct stored_account_net *n);

/* In the order of `last`, as store_each_login(). */
typedef int (*store_account_net_fn)(const struct stored_account_net *n,
				    void *ctx);
int store_each_account_net(struct store *s, store_account_net_fn fn, void *ctx);

#endif

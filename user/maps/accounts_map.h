/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map account_nets: from which networks each user has logged in
 * (account_window.h), and map name_key, by which users are hashed.
 */
#ifndef SMTPXDP_ACCOUNTS_MAP_H
#define SMTPXDP_ACCOUNTS_MAP_H

#include <linux/types.h>

#include "account_window.h"
#include "dialogue.h"
#include "maps/pins.h"

/*
 * Makes keys that are missing: both, in a new map, or the secret one, in the map
 * of a version that had none. -errno.
 */
int name_key_make(int map);

/* The key of names' hashes, without the secret one. -errno. */
int name_key_read(const struct pins *p, __u64 k[static 2]);
int name_key_write(struct pins *p, const __u64 k[static 2]);

bool account_nets_find(const struct pins *p, const struct account_net *key);

/* -errno */
int account_nets_put(struct pins *p, const struct account_net *key,
		     const struct account_login *l);

/* Calls fn for every entry; stops where fn is not 0. */
typedef int (*account_net_fn)(const struct account_net *key,
			      const struct account_login *l, void *ctx);
int account_nets_each(const struct pins *p, account_net_fn fn, void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of the state file with who wants a ban besides its owner (claims),
 * and with the names of them all (owners). store_del(STORE_CLAIMS) deletes all
 * claims of a network.
 */
#ifndef SMTPXDP_STORE_OWNERS_H
#define SMTPXDP_STORE_OWNERS_H

#include "state/store.h"

int store_put_claim(struct store *s, const struct stored_ban *claim);

/* As store_each_ban(); none, where a file of before is opened to be read. */
int store_each_claim(struct store *s, store_ban_fn fn, void *ctx, size_t *odd);

int store_put_owner(struct store *s, uint32_t owner, const char *name);

/* Forgets the names of those who want nothing any more. */
int store_tidy_owners(struct store *s);

typedef int (*store_owner_fn)(uint32_t owner, const char *name, void *ctx);
int store_each_owner(struct store *s, store_owner_fn fn, void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of the state file with the defaults of configuration keys. */
#ifndef SMTPXDP_STORE_DEFAULTS_H
#define SMTPXDP_STORE_DEFAULTS_H

#include "state/store.h"

/* Passes every default to fn until that returns other than 0; returns that. */
typedef int (*store_default_fn)(const char *key, const char *value, void *ctx);
int store_each_default(struct store *s, store_default_fn fn, void *ctx);

int store_put_default(struct store *s, const char *key, const char *value);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map regulars: who has logged in, and when (login.h). */
#ifndef SMTPXDP_LOGINS_MAP_H
#define SMTPXDP_LOGINS_MAP_H

#include "login.h"
#include "maps/pins.h"

bool logins_find(const struct pins *p, const struct net *client,
		 struct login *l);

/* -errno */
int logins_put(struct pins *p, const struct net *client, const struct login *l);

/* Calls fn for every client; stops where fn is not 0. */
typedef int (*login_fn)(const struct net *client, const struct login *l,
			void *ctx);
int logins_each(const struct pins *p, login_fn fn, void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map fronts: clients from which several accounts log in (fronts.h). */
#ifndef SMTPXDP_FRONTS_MAP_H
#define SMTPXDP_FRONTS_MAP_H

#include <stdbool.h>

#include "base/address.h"
#include "fronts.h"
#include "maps/pins.h"

/* The entry of a client; false: there is none. */
bool fronts_find(const struct pins *p, const struct net *client,
		 struct front *f);

/* Calls fn for each entry, with the client's first address. */
typedef void (*front_fn)(const struct net *host, const struct front *f,
			 void *ctx);
void fronts_each(const struct pins *p, front_fn fn, void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map named: the connections of proxies, and the clients that they name. */
#ifndef SMTPXDP_NAMED_MAP_H
#define SMTPXDP_NAMED_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "maps/pins.h"
#include "named.h"
#include "stream.h"

/* Calls fn for every entry; stops where fn is not 0, and returns that. */
typedef int (*named_fn)(const struct stream_key *key, const struct named *n,
			void *ctx);
int named_each(const struct pins *p, named_fn fn, void *ctx);

/* A proxy, and how many connections it has open for some client. */
struct named_by {
	struct addr proxy;
	uint32_t connections;
};

/*
 * Finds the proxies by which a client's network is connected now, up to `room`
 * of them; returns how many.
 */
size_t named_proxies(const struct pins *p, const struct net *client,
		     struct named_by *by, size_t room);

#endif

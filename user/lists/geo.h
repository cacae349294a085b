/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Databases in MaxMind's format: the country and the autonomous system (AS) of
 * an address. They are read from copies in memory: who writes into such a file
 * does no harm to who reads it.
 */
#ifndef SMTPXDP_GEO_H
#define SMTPXDP_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct geo;

struct geo_place {
	char country[3]; /* ISO 3166-1 alpha-2, or "" */
	uint32_t asn; /* or 0 */
	char as_name[128]; /* raw */
};

/*
 * Opens them all. -errno, and then in `err` which one it is and why. NULL-
 * terminated; the country is that of the first that has one.
 */
int geo_open(struct geo **g, char *const *paths, char *err, size_t size);
void geo_close(struct geo *g); /* NULL is fine */

/* What is known of an address; all empty if g is NULL. */
void geo_look(const struct geo *g, const struct addr *a, struct geo_place *at);

/*
 * All networks of the databases by class: `class` gives that of a place (0: of
 * none, and not wanted), `net` gets networks of one class, as wide as may be.
 * Both return a negative errno to end it. -EINVAL: a database is broken.
 */
struct geo_walk {
	int (*class)(const struct geo_place *at, void *ctx);
	int (*net)(const struct net *net, int class, void *ctx);
	void *ctx;
};

int geo_walk(const struct geo *g, const struct geo_walk *w);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Databases in MaxMind's format: the country and the autonomous system (AS) of
 * an address. They are read from copies in memory, because a file that is
 * overwritten while it is mapped would crash the reader.
 */
#ifndef SMTPXDP_GEO_H
#define SMTPXDP_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct config;
struct pins;

struct geo;

struct geo_place {
	char country[3]; /* ISO 3166-1 alpha-2, or "" */
	uint32_t asn; /* or 0 */
	char as_name[128]; /* raw */
};

/*
 * Opens all databases of a list that ends with NULL; *g is NULL if it is empty.
 * A place has the country of the first database that knows one, and the AS
 * likewise. -errno, and then `err` says which file it is and why.
 */
int geo_open(struct geo **g, char *const *paths, char *err, size_t size);

/* The same for the databases that a configuration names. */
int geo_open_configured(struct geo **g, const struct config *c, char *err,
			size_t size);

/*
 * The same for the settings in force. NULL: they name no database, or a broken
 * one, which the daemon has told.
 */
struct geo *geo_open_in_force(const struct pins *p);

void geo_close(struct geo *g); /* NULL is fine */

/* Looks a host up; *at is all empty if g is NULL, or knows nothing. */
void geo_look(const struct geo *g, const struct net *host,
	      struct geo_place *at);

/*
 * Walks all networks of the databases by class: `class` returns that of a place
 * (0: not wanted), `net` gets networks of one class, as wide as possible. Both
 * may return a negative errno to end the walk. -EINVAL: a database is broken.
 */
struct geo_walk {
	int (*class)(const struct geo_place *at, void *ctx);
	int (*net)(const struct net *net, int class, void *ctx);
	void *ctx;
};

int geo_walk(const struct geo *g, const struct geo_walk *w);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map allow_names: the names of the key `allow`, and their addresses. Writers
 * hold the writers' lock.
 */
#ifndef SMTPXDP_ALLOW_NAMES_MAP_H
#define SMTPXDP_ALLOW_NAMES_MAP_H

#include "allow_name.h"
#include "maps/pins.h"

/*
 * Reads all names into an array of ALLOW_NAMES_MAX, in the order of the
 * alphabet; returns how many.
 */
struct allow_name_row {
	struct host_name name;
	struct allow_name entry;
};
size_t allow_names_read(const struct pins *p, struct allow_name_row *rows);

/* -ENOENT: the name is not there. */
int allow_names_get(const struct pins *p, const struct host_name *name,
		    struct allow_name *entry);
int allow_names_put(struct pins *p, const struct host_name *name,
		    const struct allow_name *entry);
int allow_names_del(struct pins *p, const struct host_name *name);

#endif

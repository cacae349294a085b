/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by geo.c and geo_walk.c only: the open databases. */
#ifndef SMTPXDP_GEO_DB_H
#define SMTPXDP_GEO_DB_H

#include <maxminddb.h>

#include "lists/geo.h"

struct geo {
	size_t n;
	MMDB_s db[];
};

/* Adds a record's country and AS to *at, where *at has none. */
void geo_place_of(MMDB_entry_s *e, struct geo_place *at);

#endif

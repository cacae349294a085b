/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an address is from and which group it is in, as people are told. */
#ifndef SMTPXDP_ORIGIN_H
#define SMTPXDP_ORIGIN_H

#include <jansson.h>

#include "lists/geo.h"
#include "groups.h"
#include "maps/pins.h"

/* The databases that the settings in force name; NULL: there are none. */
struct geo *origin_open(const struct pins *p);

/* {"name", "net", "by", "source"} of an address's entry. */
json_t *group_json(const struct pins *p, const struct addr *a,
		   const struct group_entry *e);

/* "DE", or null; {"number", "name"}, or null. */
json_t *country_json(const struct geo_place *at);
json_t *as_json(const struct geo_place *at);

/* {"networks": {group: how many}, "sources": [{"group", "by", "source",
 * "networks", "since", "failed"}]} */
json_t *groups_json(const struct pins *p);

#endif

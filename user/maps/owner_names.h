/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map owner_names: what people call those who want bans (ban_owner()). An LRU
 * map: where there are more, names that were not used for long are not known.
 */
#ifndef SMTPXDP_OWNER_NAMES_H
#define SMTPXDP_OWNER_NAMES_H

#include "ban.h"
#include "maps/pins.h"

void owner_name_put(struct pins *p, __u32 owner, const char *name);

/* False: it is not known. */
bool owner_name_get(const struct pins *p, __u32 owner, struct owner_name *name);

#endif

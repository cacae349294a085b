/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user names are hashed with: map name_key. */
#ifndef SMTPXDP_NAME_KEY_H
#define SMTPXDP_NAME_KEY_H

#include "maps/pins.h"

/*
 * Makes one, at random, where there is none yet. It stays as long as the maps
 * do, restarts and upgrades included, and is written down nowhere. -errno.
 */
int name_key_ensure(const struct pins *p);

#endif

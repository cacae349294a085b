/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts a configuration in force: settings, allowlist, bans. */
#ifndef SMTPXDP_CONFIG_APPLY_H
#define SMTPXDP_CONFIG_APPLY_H

#include "config/config.h"
#include "maps/pins.h"

/*
 * Takes effect on the next packet. Bans keep holding: where the prefix of a
 * client changes, bans by the old prefix become bans of networks. The caller
 * holds the writers' lock. -errno; -E2BIG: map ban_nets has no room for those
 * bans, and nothing was changed.
 */
int config_apply(struct pins *p, const struct config *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts a configuration in force: settings, allowlist, bans. */
#ifndef SMTPXDP_CONFIG_APPLY_H
#define SMTPXDP_CONFIG_APPLY_H

#include "config/config.h"
#include "maps/pins.h"

/*
 * Takes effect on the next packet. Bans hold through it: where the prefix of
 * a client changes, those that were made by the old one become network bans.
 * The caller holds the writers' lock. -errno; -E2BIG: no room for those bans,
 * nothing was changed.
 */
int config_apply(struct pins *p, const struct config *c);

#endif

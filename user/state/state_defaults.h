/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The defaults that were in force when a daemon last ran here, in the state
 * file: an upgrade may have other ones.
 */
#ifndef SMTPXDP_STATE_DEFAULTS_H
#define SMTPXDP_STATE_DEFAULTS_H

#include "config/config.h"
#include "state/store.h"

/*
 * Tells, once, of the keys that the configuration does not set, which have
 * another default now, or are new. 0, or -errno of the file.
 */
int state_tell_defaults(struct store *s, const struct config *c);

#endif

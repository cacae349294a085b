/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has logged in, and when, in the state file. The kernel's programs note
 * logins, so the daemon saves all of them from time to time, and at its end.
 */
#ifndef SMTPXDP_STATE_LOGINS_H
#define SMTPXDP_STATE_LOGINS_H

#include "maps/pins.h"
#include "state/stamp.h"
#include "state/store.h"

/* With state_save_accounts(), in one transaction. -ESTALE: the file mirrors other maps. */
int state_save_logins(struct pins *p, struct store *s);

/* Part of state_restore(): *n clients are in the map again. */
int state_restore_logins(struct pins *p, struct store *s,
			 const struct stamp *then,
			 const struct state_clock *now, size_t *n, size_t *odd);

#endif

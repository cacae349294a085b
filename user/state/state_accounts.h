/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From which networks each user has logged in, in the state file, with the key by
 * which users are hashed: account-rate exempts those networks. As in
 * state_logins.h, the daemon saves all of them from time to time.
 */
#ifndef SMTPXDP_STATE_ACCOUNTS_H
#define SMTPXDP_STATE_ACCOUNTS_H

#include "maps/pins.h"
#include "state/stamp.h"
#include "state/store.h"

/* Part of state_save_logins(), in its transaction. */
int state_save_accounts(struct pins *p, struct store *s,
			const struct state_clock *now);

/*
 * Part of state_restore(): users are hashed by the file's key from now on, those
 * of the settings, too. What was counted by another key is not found any more.
 */
int state_restore_accounts(struct pins *p, struct store *s,
			   const struct stamp *then,
			   const struct state_clock *now);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks whether each device lets the sensor of users read user names. */
#ifndef SMTPXDP_HEALTH_USERS_H
#define SMTPXDP_HEALTH_USERS_H

#include "show/checkup.h"

/*
 * Sends a frame through each interface of the daemon, for the programs alone
 * may be in order. Writes into the interface's entry of the status: "users" is
 * read, not read, not tested or off; "users_why" says why it is not tested, or
 * which other interface has the same packets, or is null.
 *
 * `reason` is why nothing is to be tested, or NULL. The caller holds the
 * writers' lock, unless there is a reason.
 */
void health_users(struct checkup *c, const char *reason);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks the gate and the sensors: attached, on the pinned maps, working? */
#ifndef SMTPXDP_HEALTH_HOOKS_H
#define SMTPXDP_HEALTH_HOOKS_H

#include "show/checkup.h"

/*
 * Checks, by what the kernel says, what is attached to each interface and on
 * which maps it works; then runs the self-tests under the writers' lock, and
 * health_users() on each interface.
 */
void health_hooks(struct checkup *c);

#endif

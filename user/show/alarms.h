/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The problems that come while everything is in order: clients come in by
 * another way, hide behind an address that is never banned, or are not seen.
 * `status --check` asks, and the daemon every second: it tells the journal.
 */
#ifndef SMTPXDP_ALARMS_H
#define SMTPXDP_ALARMS_H

#include "show/checkup.h"

/* Adds the problems to c->problems. Needs p, info, config and state of c. */
void alarms_check(struct checkup *c);

/*
 * Of the addresses that are never banned, the one that alarms: most failures are
 * of it. Returns its entry of the allowlist (enum allow_flags), -1 if a group
 * allows it, or 0: there is none.
 */
struct exempt;
int alarms_exempt(const struct pins *p, uint64_t boot_ns, struct net *host,
		  struct exempt *e);

#endif

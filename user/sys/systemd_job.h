/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What systemd is about to do with the unit that we run in. */
#ifndef SMTPXDP_SYSTEMD_JOB_H
#define SMTPXDP_SYSTEMD_JOB_H

#include <stdbool.h>

/*
 * 1: it stops the unit, and nothing is to follow. 0: it restarts it, or has
 * nothing to do with the end of the daemon (a crash, a signal by hand).
 * -errno: it cannot be asked; -ENXIO: we run in none of its units.
 */
int systemd_is_stopping(void);

/*
 * Is this process a service's that systemd has started again by itself, since
 * the one before failed? False also where that cannot be told.
 */
bool systemd_has_restarted(void);

#endif

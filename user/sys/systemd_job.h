/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What systemd does with the unit that this process runs in. */
#ifndef SMTPXDP_SYSTEMD_JOB_H
#define SMTPXDP_SYSTEMD_JOB_H

#include <stdbool.h>

/*
 * 1: systemd stops the unit, and starts nothing after it. 0: systemd restarts
 * the unit, or did not end the daemon (a crash, a signal by hand). -ENXIO: this
 * process runs in no unit; another -errno: systemd cannot be asked.
 */
int systemd_is_stopping(void);

/*
 * Has systemd restarted this service by itself, since the process before
 * failed? False also if systemd cannot be asked.
 */
bool systemd_has_restarted(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is protection really on? The kernel is asked, and the programs are tried: the
 * daemon's own notes (map daemon) say only what it once attached.
 */
#ifndef SMTPXDP_HEALTH_H
#define SMTPXDP_HEALTH_H

#include "show/checkup.h"

/*
 * Returns an array of problems: [{"check", "object", "problem", "remedy"}].
 * `tls` and `interfaces` are these two objects of the status; into each of the
 * interfaces it writes "users" and "users_why". The self-test waits up to
 * `patience` milliseconds for the writers' lock.
 */
json_t *health_check(struct pins *p, const struct daemon_info *info,
		     enum daemon_state state, const json_t *tls,
		     const json_t *interfaces, unsigned int patience);

/* Returns the array that says that nothing is pinned below dir. */
json_t *health_unloaded(const char *dir);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The user that smtpxdp.service runs the daemon as; dist/smtpxdp.sysusers makes
 * it. What belongs to it is trusted like what belongs to root.
 */
#ifndef SMTPXDP_DAEMON_USER_H
#define SMTPXDP_DAEMON_USER_H

#include <sys/types.h>

#define DAEMON_USER "smtpxdp"

/* -ENOENT: there is no such user. */
int daemon_user(uid_t *uid, gid_t *gid);

/*
 * Who runs what the configuration names: this user; in root's place the daemon's
 * user, or nobody where there is none.
 */
void daemon_runs_as(uid_t *uid, gid_t *gid);

#endif

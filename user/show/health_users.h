/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does a device let the listener read who is tried? */
#ifndef SMTPXDP_HEALTH_USERS_H
#define SMTPXDP_HEALTH_USERS_H

#include <jansson.h>

#include "daemon.h"
#include "show/self_test.h"

/*
 * Tests interface i of the daemon's, unless there is a reason why not, and says
 * in `shown` (its entry in the status) what came of it: "users" is read, not
 * read, not tested or off; "users_why" is why it is not tested, or that it is
 * heard twice, or null.
 */
enum heard health_users(struct pins *p, const struct daemon_info *info,
			size_t i, const char *reason, json_t *shown);

#endif

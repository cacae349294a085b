// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/daemon_user.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

#define NOBODY 65534

int daemon_user(uid_t *uid, gid_t *gid)
{
	struct passwd entry, *found = NULL;
	char text[1024];
	int err = getpwnam_r(DAEMON_USER, &entry, text, sizeof(text), &found);

	if (!found)
		return err ? -err : -ENOENT;
	*uid = entry.pw_uid;
	*gid = entry.pw_gid;
	return 0;
}

void daemon_runs_as(uid_t *uid, gid_t *gid)
{
	*uid = geteuid();
	*gid = getegid();
	if (!*uid && daemon_user(uid, gid))
		*uid = *gid = NOBODY;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/as_owner.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/capability.h"

int as_owner_begin(const char *folder)
{
	struct stat st;
	int err = 0;

	if (geteuid())
		return 0;
	if (lstat(folder, &st))
		return -errno;
	if (!st.st_uid)
		return 0;
	/* root's other groups may own files, too */
	if (setgroups(0, NULL))
		return -errno;
	setfsgid(st.st_gid);
	setfsuid(st.st_uid);
	if ((uid_t)setfsuid(-1) != st.st_uid)
		err = -EPERM;
	/* the folder may lie in one of root's alone, as /sys/fs/bpf is */
	if (!err)
		err = capability_raise(CAP_DAC_READ_SEARCH);
	if (err)
		as_owner_end();
	return err;
}

void as_owner_end(void)
{
	if (geteuid())
		return;
	setfsuid(0); /* gives the capabilities back, too */
	setfsgid(0);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

int capability_drop(unsigned int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	unsigned int i = CAP_TO_INDEX(cap), bit = CAP_TO_MASK(cap);

	if (syscall(SYS_capget, &head, sets))
		return -errno;
	if (!(sets[i].permitted & bit))
		return 0;
	sets[i].effective &= ~bit;
	sets[i].permitted &= ~bit;
	sets[i].inheritable &= ~bit;
	return syscall(SYS_capset, &head, sets) ? -errno : 0;
}

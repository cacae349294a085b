// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sets {
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static int get(struct sets *s)
{
	s->head = (struct __user_cap_header_struct){
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	return syscall(SYS_capget, &s->head, s->data) ? -errno : 0;
}

static int set(struct sets *s)
{
	return syscall(SYS_capset, &s->head, s->data) ? -errno : 0;
}

/* Without it among the permitted ones, the kernel lowers an ambient one, too. */
int capability_drop(unsigned int cap)
{
	unsigned int i = CAP_TO_INDEX(cap), bit = CAP_TO_MASK(cap);
	struct sets s;
	int err = get(&s);

	if (err || !(s.data[i].permitted & bit))
		return err;
	s.data[i].effective &= ~bit;
	s.data[i].permitted &= ~bit;
	s.data[i].inheritable &= ~bit;
	return set(&s);
}

int capability_raise(unsigned int cap)
{
	struct sets s;
	int err = get(&s);

	s.data[CAP_TO_INDEX(cap)].effective |= CAP_TO_MASK(cap);
	return err ? err : set(&s);
}

int capability_drop_all(void)
{
	struct sets none = {
		.head.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return set(&none);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The user that a login tried, and whether with the same password as before. */
#ifndef SMTPXDP_TRIED_H
#define SMTPXDP_TRIED_H

#include <linux/types.h>

#define USER_NAME_SIZE 63

struct tried {
	__u64 hash; /* SipHash of the name by map name_key; 0: not known */
	/*
	 * 16 bits of a hash of user and password, by the same key: enough to
	 * tell a password that comes again from another one; 0: not known
	 */
	__u16 guess;
	__u8 len; /* bytes kept of the name; 0 unless log-users is on */
	/* the name, as far as it fits: raw, untrusted */
	__u8 name[USER_NAME_SIZE];
	__u8 pad[6];
};

_Static_assert(sizeof(struct tried) == 80, "part of map values");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The user that a client tried to log in as. */
#ifndef SMTPXDP_TRIED_H
#define SMTPXDP_TRIED_H

#include <linux/types.h>

#define USER_NAME_SIZE 63

struct tried {
	__u64 hash; /* of the name, keyed; 0: not known who */
	__u8 len; /* of the name; 0 unless names are logged */
	__u8 name[USER_NAME_SIZE]; /* how it begins: raw, untrusted */
};

_Static_assert(sizeof(struct tried) == 72, "part of map values");

#endif

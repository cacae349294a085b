/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The offences of one client, each of which ended in a ban: map history, by
 * its masked address. No program looks at it.
 */
#ifndef SMTPXDP_HISTORY_H
#define SMTPXDP_HISTORY_H

#include "addr.h"

struct history {
	__s64 until; /* ns of CLOCK_BOOTTIME at which the last of its bans ends
			or ended; negative: before this boot */
	__u32 offences; /* 1.. */
	__u8 len; /* of the client's network, 0..128 */
	__u8 pad[3];
};

_Static_assert(sizeof(struct history) == 16, "map value");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map history: how often a client was banned, by its masked address. User space
 * only: it sets the length of the next ban.
 */
#ifndef SMTPXDP_HISTORY_H
#define SMTPXDP_HISTORY_H

#include "addr.h"

struct history {
	/* ns of CLOCK_BOOTTIME: end of its last ban; < 0: before this boot */
	__s64 until;
	__u32 offences; /* bans so far, from 1 */
	__u8 len; /* prefix length of the key, 0..128 */
	__u8 pad[3];
};

_Static_assert(sizeof(struct history) == 16, "map value");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The latest refused logins of one connection, all as one user. */
#ifndef SMTPXDP_REFUSALS_H
#define SMTPXDP_REFUSALS_H

#include <linux/types.h>

struct refusals {
	__u32 account; /* account_of() the user; 0: not known */
	__u32 when; /* tick of the latest */
	__u8 counted; /* how many of them count in the client's window */
	__u8 unread; /* 1: the password of the latest could not be read */
	__u8 pad[2];
};

#endif

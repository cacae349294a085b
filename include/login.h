/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map regulars: when clients logged in, by their masked address. A regular is
 * who has logged in twice, half a day apart: whoever has one account is no
 * regular for logging in from a new address and failing there.
 */
#ifndef SMTPXDP_LOGIN_H
#define SMTPXDP_LOGIN_H

#include <linux/types.h>

#define REGULAR_NS (12 * 3600 * 1000000000LL)

/*
 * An entry of an earlier build had no times: it is all zero, as if the client
 * had logged in at the boot. With its next login it is a regular, if the
 * machine is up for half a day.
 */
struct login {
	/* ns of CLOCK_BOOTTIME; < 0: before this boot */
	__s64 first;
	__s64 last;
	__u32 account; /* as whom, the last time: see account_of() */
	__u8 pad[4];
};

_Static_assert(sizeof(struct login) == 24, "map value");

/* A user in 32 bits, as bpf/pure/users.h has it; 0: not known. */
static inline __u32 account_of(__u64 hash)
{
	return hash >> 32;
}

static inline int login_is_regular(const struct login *l)
{
	return l->last - l->first >= REGULAR_NS;
}

#endif

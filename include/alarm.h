/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Signs that protection is not what it seems, noted by the BPF programs where
 * they happen. user/show/alarms.h decides which of them are problems.
 */
#ifndef SMTPXDP_ALARM_H
#define SMTPXDP_ALARM_H

#include "addr.h"

/* Index in map signs. Append only. */
enum sign_kind {
	/* a mail server accepted a connection of a client long banned */
	SIGN_PASSES,
	/* a login failed of a client long banned */
	SIGN_GOES_ON,
	/* a login inside TLS failed, and nobody could be charged */
	SIGN_UNATTRIBUTED,
	/* a conversation inside TLS left a mail port, and no probe saw it */
	SIGN_UNSEEN,
	/* every failed login that was counted: `count` is their number */
	SIGN_COUNTED,
	/* a forwarded mail server's SYN-ACK left by a watched interface */
	SIGN_FORWARDED,
	/* a front (fronts.h) has reached a limit */
	SIGN_FRONT,
	/* map ended_elsewhere had no room for a connection that has ended */
	SIGN_UNJUDGED,
	SIGNS_MAX = 16
};

#define SIGN_NSEC 1000000000ULL

/* A ban is old enough for SIGN_PASSES and SIGN_GOES_ON after so many seconds. */
#define SIGN_PASSES_SEC 5
#define SIGN_GOES_ON_SEC 20
/* A conversation inside TLS has had replies after so many turns. */
#define SIGN_TURNS 5
#define SIGN_FOREIGN_SEC 60
/* Signs that are further apart than this are not counted together. */
#define SIGN_PAUSE_SEC 600

/* Value of map signs. */
struct sign {
	__u64 first; /* ns of CLOCK_BOOTTIME; of those since the last pause */
	__u64 last; /* the same; 0: never */
	__u64 count; /* since the last pause */
	struct addr who; /* the last one's client */
	__u32 ifindex; /* where it came in, if known */
	__u16 port; /* the mail server's */
	__u8 pad[2];
};

/*
 * Value of map elsewhere, by the inode of another network namespace: what its
 * mail servers accepted. `passes` is as SIGN_PASSES; `unwatched`: no
 * SIGN_FORWARDED came within the minute before. A later namespace may get the
 * same inode, but not the same cookie.
 */
struct elsewhere {
	struct sign passes;
	struct sign unwatched;
	__u64 cookie;
};

/*
 * Value of map exempt, by address: failures of a client that is never banned.
 * Every SIGN_PAUSE_SEC, the numbers are halved.
 */
struct exempt {
	__u64 last; /* ns of CLOCK_BOOTTIME */
	__u64 since; /* the same, of the last halving */
	__u64 failures; /* all so far */
	__u64 counted; /* SIGN_COUNTED at the last failure */
	__u32 recent; /* failures, halved */
	__u32 others; /* failures of clients that can be banned, halved */
	__u32 successes; /* halved */
	__u16 port;
	__u16 code;
};

_Static_assert(sizeof(struct sign) == 48, "map value");
_Static_assert(sizeof(struct exempt) == 48, "map value");

#endif

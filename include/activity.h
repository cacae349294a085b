/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the processes do, the daemon's and the commands': map activity. */
#ifndef SMTPXDP_ACTIVITY_H
#define SMTPXDP_ACTIVITY_H

#include <linux/types.h>

#define ACTIVITY_KINDS 64

/* In memory that they share: every member is read and written atomically. */
struct activity {
	/* CLOCK_MONOTONIC: the daemon's loop turned. 0: it is starting. */
	__u64 beat_usec;
	__u64 unsaved; /* 1: the state file cannot be written */
	/* Messages told to the journal, by enum message. */
	__u64 told[ACTIVITY_KINDS];
	/* Commands that changed too much to save it: the daemon is to. */
	__u64 asked;
	/* What `asked` was when the daemon began the last save that is done. */
	__u64 saved;
};

/* What the program `fill` gives: entries of the maps that have no limit but
 * their size, and that nobody but the kernel counts. */
struct map_fill {
	__u64 clients;
	__u64 streams;
	__u64 history;
};

#endif

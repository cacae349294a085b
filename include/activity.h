/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map activity: signs of life and totals of the daemon and the commands. */
#ifndef SMTPXDP_ACTIVITY_H
#define SMTPXDP_ACTIVITY_H

#include <linux/types.h>

#define ACTIVITY_KINDS 64

/* Shared through mmap: read and write each member atomically. */
struct activity {
	/* CLOCK_MONOTONIC of the loop's last turn; 0: it is starting */
	__u64 beat_usec;
	__u64 unsaved; /* 1: the state file cannot be written */
	/* messages written to the journal, by enum message */
	__u64 told[ACTIVITY_KINDS];
	/* number of commands that left saving their changes to the daemon */
	__u64 asked;
	/* the value of `asked` that the daemon's last save covers */
	__u64 saved;
};

/*
 * Output of the BPF program `fill`: entries in the LRU maps. The kernel evicts
 * from them by itself, so no process can keep count.
 */
struct map_fill {
	__u64 clients;
	__u64 streams;
	__u64 history;
};

#endif

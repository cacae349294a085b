/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map activity: signs of life and totals of the daemon and the commands. */
#ifndef SMTPXDP_ACTIVITY_H
#define SMTPXDP_ACTIVITY_H

#include <linux/types.h>

#define ACTIVITY_KINDS 64

/*
 * The processes share it through mmap: read and write each member atomically.
 */
struct activity {
	/*
	 * CLOCK_MONOTONIC of the event loop's last beat; 0: the daemon is
	 * starting.
	 */
	__u64 beat_usec;
	__u64 unsaved; /* 1: the state file cannot be written */
	/*
	 * Messages written to the journal since the map was made, by enum
	 * message.
	 */
	__u64 told[ACTIVITY_KINDS];
	/*
	 * Times that a command changed too much to save it and left that to the
	 * daemon.
	 */
	__u64 asked;
	/*
	 * The value of `asked` that the daemon's last finished save has
	 * covered.
	 */
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

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a packet through the programs that are attached, by BPF_PROG_TEST_RUN:
 * do they do what they are for? And another through a device: is it so there,
 * too? The addresses are of 0.0.0.0/8, which nobody can have (RFC 1122,
 * 3.2.1.3). No counter moves and nothing stays behind.
 *
 * The caller holds the writers' lock. Each returns 0, or -errno and why.
 */
#ifndef SMTPXDP_SELF_TEST_H
#define SMTPXDP_SELF_TEST_H

#include "maps/pins.h"

/*
 * PROG_DROP_*: who is not banned passes, who is banned is dropped, unless
 * allowlisted. -E2BIG: the ban list has no room for the test's own.
 */
int self_test_gate(struct pins *p, enum pinned_prog prog, char *why,
		   size_t size);

/* PROG_DETECT_*: a reply is read, and what is unfinished is remembered. */
int self_test_sensor(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size);

/* PROG_LISTEN: who a login is about is read, unless users is off. */
int self_test_listen(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size);

enum heard {
	HEARD,
	UNHEARD,
	UNTESTED,
	HEARD_TWICE, /* by another device first; not of self_test_device() */
};

/*
 * The same in the device's own way: it receives a frame, which goes through
 * generic XDP, if it has that, and tc ingress. `why` it could not be tested is
 * set for UNTESTED. Only where self_test_listen() finds no fault.
 *
 * Nobody else is to have the frame. The listener drops it. Should it not know
 * it, it is for another host's MAC address and its IP checksum is wrong, two
 * reasons for the kernel to drop it before any socket, route or firewall rule;
 * and no device that is a port of another is tested, for a bridge would pass
 * it on. (What captures packets on the device does see it.)
 */
enum heard self_test_device(struct pins *p, __u32 ifindex, char *why,
			    size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests the programs that are attached: runs a packet through each by
 * BPF_PROG_TEST_RUN, and sends a frame through a device. Its addresses are of
 * 0.0.0.0/8, which no host may have (RFC 1122, 3.2.1.3). No counter moves and
 * no entry stays.
 *
 * The caller holds the writers' lock. Each returns 0, or -errno and the cause
 * in `why`, if not stated otherwise.
 */
#ifndef SMTPXDP_SELF_TEST_H
#define SMTPXDP_SELF_TEST_H

#include "maps/pins.h"

/*
 * Tests PROG_DROP_*: a client passes, and is dropped when banned, unless it is
 * allowlisted. -E2BIG: map bans has no room for the test's ban.
 */
int self_test_gate(struct pins *p, enum pinned_prog prog, char *why,
		   size_t size);

/* Tests PROG_DETECT_*: a reply is read, and its unfinished line is kept. */
int self_test_sensor(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size);

/* Tests PROG_LISTEN: a login's user is read, if key users asks for it. */
int self_test_listen(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size);

enum heard {
	HEARD, /* the listener read the frame's login */
	UNHEARD,
	UNTESTED,
	/* Another device has it first; self_test_device() returns neither. */
	HEARD_BELOW, /* and the listener is there only */
	HEARD_TWICE, /* and the listener is on both */
};

/*
 * Tests the listener in a device: the device receives a frame, which passes
 * generic XDP, if attached, and tc ingress. UNTESTED sets `why`. Call it only
 * where self_test_listen() succeeds.
 *
 * Nothing but the listener is to get the frame, and the listener drops it. If
 * the listener does not see it, the kernel drops the frame before any socket,
 * route or firewall rule, for its MAC address is another host's and its IP
 * checksum is wrong. A device that is a port of another (a bridge) would
 * forward it, and is not tested. Packet captures on the device do see the
 * frame.
 */
enum heard self_test_device(struct pins *p, __u32 ifindex, char *why,
			    size_t size);

#endif

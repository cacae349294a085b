/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows the host's network: attaches to new interfaces, and keeps the host's
 * addresses and gateways on the allowlist.
 */
#ifndef SMTPXDP_NET_WATCH_H
#define SMTPXDP_NET_WATCH_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/ifaces.h"

struct net_watch {
	struct ifaces *ifaces;
	sd_event_source *timer;
	uint64_t not_before; /* us of CLOCK_MONOTONIC: no look before */
};

/* Looks at the network once, then after every change. -errno. */
int net_watch_start(struct net_watch *w, sd_event *e, struct ifaces *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The XDP program that another tool has attached to an interface: a description
 * for people, and how to remove it.
 */
#ifndef SMTPXDP_XDP_HOLDER_H
#define SMTPXDP_XDP_HOLDER_H

#include <stdbool.h>

#include "daemon.h"

struct xdp_holder {
	char on[16]; /* the interface that has it */
	char who[128]; /* "\"name\" (id 12, native, by link 34)" */
	char remedy[256];
};

/* False if no XDP program is attached. */
bool xdp_holder_find(const struct daemon_iface *iface, struct xdp_holder *h);

/*
 * The same for the devices that lie on the interface (a VLAN, its bridge or
 * bond): the kernel attaches nothing below one that has a program.
 */
bool xdp_holder_find_above(const struct daemon_iface *iface,
			   struct xdp_holder *h);

#endif

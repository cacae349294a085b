/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Proxies (key `proxies`) on this host, which loopback leads to. */
#ifndef SMTPXDP_PROXIES_H
#define SMTPXDP_PROXIES_H

#include "config/config.h"

#define LOOPBACK_IFINDEX 1 /* in each network namespace */

/*
 * Does the key name loopback, or an address of this host by itself? 1, 0, or
 * -errno. Files that it names are not looked into.
 */
int proxies_are_here(const struct config *c);

#endif

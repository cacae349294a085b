/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Networks that no list of attackers on the Internet means, and that would
 * close the LAN: private, CGNAT, link-local, multicast, loopback, unspecified,
 * reserved. Pure.
 */
#ifndef SMTPXDP_SPECIAL_NETS_H
#define SMTPXDP_SPECIAL_NETS_H

#include "base/net_set.h"

/* Fills *s with them; to be freed. -ENOMEM. */
int special_nets(struct net_set *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the key `allow` that DNS has no address of. */
#ifndef SMTPXDP_HEALTH_DNS_H
#define SMTPXDP_HEALTH_DNS_H

#include "show/checkup.h"

void health_dns(struct checkup *c);

#endif

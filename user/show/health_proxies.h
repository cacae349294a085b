/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks whether the proxies of the key `proxies` name their clients. */
#ifndef SMTPXDP_HEALTH_PROXIES_H
#define SMTPXDP_HEALTH_PROXIES_H

#include "show/checkup.h"

void health_proxies(struct checkup *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Puts the gate beside other XDP programs, into libxdp's dispatcher. */
#ifndef SMTPXDP_BESIDE_H
#define SMTPXDP_BESIDE_H

#include <stddef.h>

#include "daemon.h"

/*
 * Only root can. The gate in force takes the place of an earlier one: both are
 * there for a moment. 0, or -errno with cause and remedy in `why`.
 */
int beside_put(const char *dir, const struct daemon_iface *iface, char *why,
	       size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map doubts: replies that were not believed. */
#ifndef SMTPXDP_DOUBTS_MAP_H
#define SMTPXDP_DOUBTS_MAP_H

#include "accepted_maps.h"
#include "maps/pins.h"

/* -errno */
int doubts_read(const struct pins *p, enum doubt doubt, struct doubted *d);

#endif

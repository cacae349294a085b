/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map counters, summed over all CPUs. */
#ifndef SMTPXDP_COUNTER_MAP_H
#define SMTPXDP_COUNTER_MAP_H

#include <stdint.h>

#include "counters.h"
#include "maps/pins.h"

extern const char *const counter_names[COUNTERS_MAX];
extern const char *const counter_sentences[COUNTERS_MAX];

/* -errno */
int counter_read(const struct pins *p, enum counter c,
		 struct counter_value *sum);

/* For counters that no program counts. The caller holds the writers' lock. */
int counter_add(const struct pins *p, enum counter c, uint64_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parses and prints durations and rates as people write them. Pure. */
#ifndef SMTPXDP_DURATION_H
#define SMTPXDP_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define DURATION_TEXT 32

/*
 * Parses "90", "90s", "2m", "1h", "7d", "1h30m" into seconds; a number without
 * a unit is seconds. 0, or -EINVAL: no duration, -ERANGE: over 100 years.
 */
int duration_parse(const char *s, uint64_t *seconds);

/*
 * Prints a duration in the largest units that are exact: 5400 -> "1h30m", 120
 * -> "2m", "0s". Returns buf.
 */
const char *duration_format(uint64_t seconds, char buf[static DURATION_TEXT]);

/*
 * Parses "10/120s": 1..RATE_MAX failures within WINDOW_MIN..WINDOW_MAX seconds.
 * 0, or -EINVAL and the cause in err.
 */
int rate_parse(const char *s, uint32_t *failures, uint32_t *seconds, char *err,
	       size_t size);

#endif

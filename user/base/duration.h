/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Durations and rates as people write them. Pure. */
#ifndef SMTPXDP_DURATION_H
#define SMTPXDP_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define DURATION_TEXT 32

/*
 * "90", "90s", "2m", "1h", "7d", "1h30m": whole seconds, s where there is no
 * unit. Returns 0 or -EINVAL (not a duration), -ERANGE (over 100 years).
 */
int duration_parse(const char *s, uint64_t *seconds);

/* The largest units that give it exactly: "1h30m", "120" -> "2m", "0s". */
const char *duration_format(uint64_t seconds, char buf[static DURATION_TEXT]);

/* "10/120s": 1..RATE_MAX failures within WINDOW_MIN..WINDOW_MAX seconds. */
int rate_parse(const char *s, uint32_t *failures, uint32_t *seconds, char *err,
	       size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of the values that events, groups and their sources have. Pure. */
#ifndef SMTPXDP_NAMES_H
#define SMTPXDP_NAMES_H

#include <stdint.h>

/* "wire", "tls", "unknown" */
const char *sensor_name(uint8_t sensor);

/* "stale", "attack", "guesses", "unknown" */
const char *offender_name(uint8_t offender);

/* "strict", "lenient", "allow", "none" */
const char *group_name(uint8_t group);
/* The key that names its files. */
const char *group_key_name(uint8_t group);

/* "file", "as", "country" */
const char *group_source_kind_name(uint8_t kind);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values that say what a server's replies mean: the keys codes, count-texts
 * and ignore-texts. The parsers return 0, or -EINVAL with the reason in why.
 */
#ifndef SMTPXDP_CONFIG_REPLIES_H
#define SMTPXDP_CONFIG_REPLIES_H

#include <stdint.h>

#include "config/config_values.h"
#include "settings.h"

/* Writes the action of each code into `codes`, which has CODE_MAX. */
int parse_codes(const char *s, uint8_t *codes, const struct why *why);

/* Appends to `texts`, of which *n are there already. */
int parse_texts(const char *s, enum action action, struct text *texts,
		uint32_t *n, const struct why *why);

#endif

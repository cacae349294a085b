/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All values together, compiled into what the kernel programs read. */
#ifndef SMTPXDP_CONFIG_COMPILE_H
#define SMTPXDP_CONFIG_COMPILE_H

#include "config/config_values.h"
#include "settings.h"

/*
 * Parses the KEYS_MAX values. -EINVAL where a value is wrong, or where two
 * contradict each other: a text is both counted and ignored, countries are
 * named without a database.
 */
int settings_parse(char *const *values, struct settings *s,
		   const struct why *why);

/* Adds what follows from the parsed values. `hz` is jiffies per second. */
void settings_finish(struct settings *s, unsigned int hz);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between config.c, config_compile.c and config_lines.c only. */
#ifndef SMTPXDP_CONFIG_CHECK_H
#define SMTPXDP_CONFIG_CHECK_H

#include "config/config.h"
#include "config/config_values.h"

/* Is this value right for its key, whatever the others are? */
int config_check_value(enum config_key key, const char *value,
		       const struct why *why);

/* Are all of them, and do they agree with each other? */
int config_check(const struct config *c, const struct why *why);

/* Takes a value unchecked. -ENOMEM. */
int config_put(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin);

/* Puts `next` in c's place if it is valid; else frees it. */
int config_replace(struct config *c, struct config *next,
		   const struct why *why);

#endif

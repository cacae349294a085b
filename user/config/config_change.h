/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes of a configuration in two steps, for config_parse.c: values are put
 * into a copy one by one, then the copy is checked as a whole.
 */
#ifndef SMTPXDP_CONFIG_CHANGE_H
#define SMTPXDP_CONFIG_CHANGE_H

#include "config/config.h"

/* Takes a value unchecked. -ENOMEM. */
int config_put(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin);

/* Puts `next` in c's place if it is valid, else frees it. */
int config_replace(struct config *c, struct config *next,
		   const struct why *why);

#endif

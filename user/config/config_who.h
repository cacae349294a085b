/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The keys that say who is one client: nat64-prefixes, client-prefixes. */
#ifndef SMTPXDP_CONFIG_WHO_H
#define SMTPXDP_CONFIG_WHO_H

#include "config/config_values.h"
#include "settings.h"

/* Add rules to s->who. 0, or -EINVAL and why. */
int parse_nat64(const char *value, struct settings *s, const struct why *why);
int parse_client_prefixes(const char *value, struct settings *s,
			  const struct why *why);

/* Puts the rules in order, and makes their filter. */
void who_finish(struct settings *s);

#endif

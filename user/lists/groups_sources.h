/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sources of groups that a configuration names: files, countries, ASes. */
#ifndef SMTPXDP_GROUPS_SOURCES_H
#define SMTPXDP_GROUPS_SOURCES_H

#include "config/config.h"
#include "groups.h"

/* Does the key name a source, or a database of countries and ASes? */
bool config_is_of_groups(enum config_key key);

/* Fills *to, all zero before. -E2BIG: more than GROUP_SOURCES_MAX. -ENOMEM. */
int groups_sources(const struct config *c, struct groups *to);

/*
 * A number that changes with those keys, and with the files that they name: by
 * inode, size and time. Never 0.
 */
uint64_t groups_fingerprint(const struct config *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which keys say who is in a group: between groups_*.c only. */
#ifndef SMTPXDP_GROUPS_SOURCES_H
#define SMTPXDP_GROUPS_SOURCES_H

#include "config/config.h"
#include "groups.h"

#define GROUP_KEYS 6

struct group_key {
	enum config_key key;
	enum group_source_kind kind;
	enum group group;
};

extern const struct group_key group_keys[GROUP_KEYS];

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which ports are closed to whom is banned, for people. */
#ifndef SMTPXDP_CLOSED_H
#define SMTPXDP_CLOSED_H

#include <jansson.h>

#include "settings.h"

/* "25, 465, 587", of a ban with these flags (enum ban_flags); "all". */
json_t *closed_json(const struct settings *s, __u32 ban_flags);

#endif

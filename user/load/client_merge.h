/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two parts of what is known of one client, made one. Pure. */
#ifndef SMTPXDP_CLIENT_MERGE_H
#define SMTPXDP_CLIENT_MERGE_H

#include "client.h"

/* What `next` counted comes after all that `c` did: into c. */
void client_merge(struct client *c, const struct client *next);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SMTPXDP_CMD_BAN_LOAD_H
#define SMTPXDP_CMD_BAN_LOAD_H

#include "cmd/cmd.h"

/* smtpxdp ban load */
int ban_load(const struct globals *g, int argc, char **argv);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban: its commands. */
#include "cmd/cmd.h"

#include <stddef.h>

static const struct cmd *const commands[] = { &cmd_ban_list,  &cmd_ban_add,
					      &cmd_ban_load,  &cmd_ban_del,
					      &cmd_ban_flush, NULL };

const struct cmd cmd_ban = {
	.name = "ban",
	.args = "",
	.help = "the ban list",
	.commands = commands,
	.quiet = true,
};

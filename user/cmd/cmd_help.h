/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --help, made of the commands' descriptions. */
#ifndef SMTPXDP_CMD_HELP_H
#define SMTPXDP_CMD_HELP_H

#include "cmd/cmd.h"

#define SYNOPSIS_SIZE 256

/* Writes "smtpxdp ban del [--forgive] ADDR[/LEN]". `of`: see struct globals. */
const char *cmd_synopsis(const struct cmd *c, const char *of,
			 char buf[static SYNOPSIS_SIZE]);

/* Print the help of one command; of all, and the options of each of them. */
void cmd_help(const struct cmd *c, const char *of);
void cmd_help_all(const struct cmd *const *cmds,
		  const struct cmd_option *options);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What Tab offers, for the completions of all shells (dist/completion): made of
 * the commands' descriptions, the keys and the lists.
 */
#ifndef SMTPXDP_CMD_COMPLETE_H
#define SMTPXDP_CMD_COMPLETE_H

#include "cmd/cmd.h"

/*
 * Prints a line for each word that may stand in the place of the last one of
 * `words`, which is its beginning: the word, a tab, and what it is. ":file",
 * ":folder" and ":host" leave those to the shell. `options`: of every command.
 */
void cmd_complete(const struct cmd *const *cmds,
		  const struct cmd_option *options, const char *pin_dir,
		  int n_words, char **words);

#endif

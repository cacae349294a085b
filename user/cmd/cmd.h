/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The commands: each in its own cmd_*.c, found by the table in main.c. */
#ifndef SMTPXDP_CMD_H
#define SMTPXDP_CMD_H

#include "maps/pins.h"

/* What stands before the command. */
struct globals {
	const char *pin_dir;
};

/* argv[0] is the command's own name; returns the exit code. */
typedef int (*cmd_fn)(const struct globals *g, int argc, char **argv);

struct cmd {
	const char *name;
	cmd_fn fn;
	const char *args; /* for the usage line */
	const char *help; /* one line */
};

/*
 * Finds argv[0] in a table that ends with a NULL name, and runs it; without
 * arguments, the table's first entry.
 */
int cmd_dispatch(const struct cmd *cmds, const struct globals *g,
		 const char *of, int argc, char **argv);

/* Complains about arguments that a command does not take. */
int cmd_no_args(int argc, char **argv);

/* Complains about the option that getopt_long() has just refused. */
int bad_option(char **argv);

int cmd_run(const struct globals *g, int argc, char **argv);
int cmd_config(const struct globals *g, int argc, char **argv);
int cmd_ban(const struct globals *g, int argc, char **argv);
int cmd_allow(const struct globals *g, int argc, char **argv);
int cmd_clients(const struct globals *g, int argc, char **argv);
int cmd_why(const struct globals *g, int argc, char **argv);
int cmd_metrics(const struct globals *g, int argc, char **argv);
int cmd_status(const struct globals *g, int argc, char **argv);
int cmd_events(const struct globals *g, int argc, char **argv);
int cmd_probe(const struct globals *g, int argc, char **argv);
int cmd_replay(const struct globals *g, int argc, char **argv);
int cmd_report(const struct globals *g, int argc, char **argv);
int cmd_unload(const struct globals *g, int argc, char **argv);

#endif

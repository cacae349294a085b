/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Commands. A struct cmd describes each, once: the command line is parsed by
 * it,
 * --help, usage errors and the completion are made of it, and
 * selftests/lab/described.bats holds smtpxdp(8) against it.
 */
#ifndef SMTPXDP_CMD_H
#define SMTPXDP_CMD_H

#include <getopt.h> /* optarg, optind */
#include <stdbool.h>

struct cmd;

/* What a command's function is called with. */
struct globals {
	const char *pin_dir;
	const struct cmd *cmd; /* the command itself */
	const char *of; /* the command whose own this is, like "ban"; or "" */
};

/* argv[0] is the command's own name; returns the exit code. */
typedef int (*cmd_fn)(const struct globals *g, int argc, char **argv);

struct cmd_option {
	char id; /* cmd_option() returns it */
	bool letter; /* -ID is the same */
	const char *name; /* "for" stands for --for */
	const char *arg; /* of the option: "TIME", "wire|off"; NULL: none */
	bool many; /* may stand several times */
	const char *help; /* one sentence, without a full stop */
};

struct cmd {
	const char *name;
	cmd_fn fn;
	const char *args; /* "KEY VALUE"; in brackets what may be missing */
	const char *help; /* one line */
	const struct cmd_option *options; /* end with a NULL name; or NULL */
	const struct cmd *const *commands; /* its own, instead of fn; or NULL */
	bool quiet; /* events go to the journal only, not to stderr */
};

/*
 * Finds argv[0] in a list of commands that ends with NULL, and runs it; without
 * arguments, the list's first one. --help prints the description.
 */
int cmd_dispatch(const struct cmd *const *cmds, const struct globals *g,
		 int argc, char **argv);

/*
 * Returns the id of the next option, its argument in optarg; 0 behind the last
 * one: arguments begin at argv[optind], and their number is right. Complains of
 * a wrong command line and returns -1: the exit code is EXIT_USAGE then.
 */
int cmd_option(const struct globals *g, int argc, char **argv);

/* The same for a command without options: 0, or EXIT_USAGE. */
int cmd_arguments(const struct globals *g, int argc, char **argv);

/* Each is described in the file of its name. */
extern const struct cmd cmd_run, cmd_status, cmd_metrics, cmd_clients, cmd_why;
extern const struct cmd cmd_ban, cmd_allow, cmd_config, cmd_events, cmd_report;
extern const struct cmd cmd_probe, cmd_replay, cmd_beside, cmd_unload;
/* The commands of ban. */
extern const struct cmd cmd_ban_list, cmd_ban_add, cmd_ban_load, cmd_ban_del;
extern const struct cmd cmd_ban_flush;

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/cmd.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/output.h"
#include "cmd/cmd_help.h"
#include "tell/journal.h"

#define OPTIONS_MAX 8

/* Converts options into the two forms that getopt_long() wants. */
static void for_getopt(const struct cmd_option *o, struct option *longs,
		       char *letters)
{
	for (int i = 0; o && o->name && i < OPTIONS_MAX; i++, o++) {
		longs[i] = (struct option){
			o->name,
			o->arg ? required_argument : no_argument,
			NULL,
			o->id,
		};
		if (!o->letter)
			continue;
		*letters++ = o->id;
		if (o->arg)
			*letters++ = ':';
	}
}

/*
 * Counts the arguments of a description: "KEY [VALUE]" has 1 to 2, "ADDR..." at
 * least 1.
 */
static void count_args(const char *args, int *min, int *max)
{
	const char *dots = strstr(args, "...");

	*min = *max = 0;
	while (*args) {
		++*max;
		*min += *args != '[';
		args += strcspn(args, " ");
		args += strspn(args, " ");
	}
	if (dots)
		*max = INT_MAX;
}

/* Names the argument that is missing: the nth of the description, from 0. */
static int missing(const struct globals *g, const char *synopsis, int n)
{
	const char *arg = g->cmd->args;

	while (n--) {
		arg += strcspn(arg, " ");
		arg += strspn(arg, " ");
	}
	return usage("%s%s%s: %.*s is missing; usage: %s", g->of,
		     *g->of ? " " : "", g->cmd->name, (int)strcspn(arg, " "),
		     arg, synopsis);
}

static int check_args(const struct globals *g, int argc, char **argv)
{
	char synopsis[SYNOPSIS_SIZE];
	int min, max, n = argc - optind;

	count_args(g->cmd->args, &min, &max);
	cmd_synopsis(g->cmd, g->of, synopsis);
	if (n < min)
		return missing(g, synopsis, n);
	if (n > max)
		return usage("%s%s%s: unexpected argument '%s'; usage: %s",
			     g->of, *g->of ? " " : "", g->cmd->name,
			     argv[optind + max], synopsis);
	return 0;
}

int cmd_option(const struct globals *g, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 1] = {};
	char letters[2 * OPTIONS_MAX + 1] = "";
	char synopsis[SYNOPSIS_SIZE];
	int c;

	for_getopt(g->cmd->options, longs, letters);
	c = getopt_long(argc, argv, letters, longs, NULL);
	if (c == -1)
		return check_args(g, argc, argv) ? -1 : 0;
	if (c != '?')
		return c;
	usage("%s%s%s: option %s is not known, or lacks its argument; usage: "
	      "%s",
	      g->of, *g->of ? " " : "", g->cmd->name, argv[optind - 1],
	      cmd_synopsis(g->cmd, g->of, synopsis));
	return -1;
}

int cmd_arguments(const struct globals *g, int argc, char **argv)
{
	return cmd_option(g, argc, argv) ? EXIT_USAGE : 0;
}

/* "ban --help" asks for ban, "ban add --help" for ban add. */
static bool asks_for_help(const struct cmd *c, int argc, char **argv)
{
	int end = c->commands && argc > 2 ? 2 : argc;

	for (int i = 1; i < end && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run(const struct cmd *c, const struct globals *g, int argc,
	       char **argv)
{
	struct globals own = { .pin_dir = g->pin_dir, .of = g->of, .cmd = c };

	if (c->quiet)
		journal_quiet = 1;
	if (!c->commands)
		return c->fn(&own, argc, argv);
	own.of = c->name;
	return cmd_dispatch(c->commands, &own, argc - 1, argv + 1);
}

int cmd_dispatch(const struct cmd *const *cmds, const struct globals *g,
		 int argc, char **argv)
{
	char *first[] = { (char *)cmds[0]->name, NULL };

	if (argc == 0)
		return run(cmds[0], g, 1, first);
	for (; *cmds; cmds++) {
		if (strcmp(cmds[0]->name, argv[0]))
			continue;
		if (!asks_for_help(*cmds, argc, argv))
			return run(*cmds, g, argc, argv);
		cmd_help(*cmds, g->of);
		return 0;
	}
	return usage("no such command: %s%s%s; try smtpxdp %s%s--help", g->of,
		     *g->of ? " " : "", argv[0], g->of, *g->of ? " " : "");
}

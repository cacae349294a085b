// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/output.h"

int bad_option(char **argv)
{
	return usage("%s: option %s is not known, or lacks its argument",
		     argv[0], argv[optind - 1]);
}

int cmd_no_args(int argc, char **argv)
{
	return argc > 1 ?
		       usage("%s: unexpected argument '%s'", argv[0], argv[1]) :
		       0;
}

static void cmd_help(const struct cmd *c, const char *of)
{
	printf("usage: smtpxdp %s%s%s %s\n%s\n", of, *of ? " " : "", c->name,
	       c->args, c->help);
}

int cmd_dispatch(const struct cmd *cmds, const struct globals *g,
		 const char *of, int argc, char **argv)
{
	static char *none[] = { NULL, NULL };

	if (argc == 0) {
		none[0] = (char *)cmds->name;
		return cmds->fn(g, 1, none);
	}
	for (const struct cmd *c = cmds; c->name; c++) {
		if (strcmp(c->name, argv[0]))
			continue;
		for (int i = 1; i < argc; i++) {
			if (!strcmp(argv[i], "--"))
				break;
			/* Commands with commands of their own show those. */
			if ((!strcmp(argv[i], "--help") ||
			     !strcmp(argv[i], "-h")) &&
			    (*of || i == 1)) {
				cmd_help(c, of);
				return 0;
			}
		}
		return c->fn(g, argc, argv);
	}
	return usage("no such command: %s%s%s; try smtpxdp --help", of,
		     *of ? " " : "", argv[0]);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp's main(): global options, then a command of the table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "cmd/cmd.h"
#include "cmd/cmd_complete.h"
#include "cmd/cmd_help.h"
#include "maps/pins.h"

static const struct cmd *const commands[] = {
	&cmd_run,   &cmd_status, &cmd_metrics, &cmd_clients, &cmd_why,
	&cmd_ban,   &cmd_allow,	 &cmd_config,  &cmd_events,  &cmd_report,
	&cmd_probe, &cmd_replay, &cmd_beside,  &cmd_unload,  NULL
};

/* take_globals() takes the first three, main() the others. */
static const struct cmd_option options[] = {
	{ 'j', true, "json", NULL, false,
	  "JSON output (see smtpxdp(8) for the shapes)" },
	{ 'p', true, "pretty", NULL, false, "indented JSON" },
	{ 'd', false, "pin", "DIR", false,
	  "where the maps are pinned, default " PINS_DEFAULT_DIR },
	{ 'h', true, "help", NULL, false,
	  "this text; smtpxdp COMMAND --help for one command" },
	{ 'V', true, "version", NULL, false, "the version" },
	{}
};

/*
 * Removes the global options from argv, wherever they stand before "--": a
 * command sees only its own. Returns the new argc, or -1 after complaining.
 */
static int take_globals(struct globals *g, int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];

		if (i && !strcmp(a, "--")) {
			while (i < argc)
				argv[n++] = argv[i++];
			break;
		}
		if (!strcmp(a, "-j") || !strcmp(a, "--json")) {
			output.json = true;
		} else if (!strcmp(a, "-p") || !strcmp(a, "--pretty")) {
			output.json = output.pretty = true;
		} else if (!strcmp(a, "-jp") || !strcmp(a, "-pj")) {
			output.json = output.pretty = true;
		} else if (!strncmp(a, "--pin=", 6)) {
			g->pin_dir = a + 6;
		} else if (!strcmp(a, "--pin")) {
			if (++i == argc) {
				usage("--pin needs a folder");
				return -1;
			}
			g->pin_dir = argv[i];
		} else {
			argv[n++] = argv[i];
		}
	}
	argv[n] = NULL;
	return n;
}

int main(int argc, char **argv)
{
	struct globals g = { .pin_dir = PINS_DEFAULT_DIR, .of = "" };
	int err;

	argc = take_globals(&g, argc, argv);
	if (argc < 0)
		return EXIT_USAGE;
	if (argc < 2) {
		cmd_help_all(commands, options);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "help")) {
		cmd_help_all(commands, options);
		return 0;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		puts("smtpxdp " VERSION);
		return 0;
	}
	/* By the completions, and so not among the commands. */
	if (!strcmp(argv[1], "complete")) {
		bool behind = argc > 2 && !strcmp(argv[2], "--");

		cmd_complete(commands, options, g.pin_dir, argc - 2 - behind,
			     argv + 2 + behind);
		return 0;
	}
	if (*argv[1] == '-')
		return usage("unknown option %s; try smtpxdp --help", argv[1]);
	opterr = 0; /* getopt stays silent: cmd_option() complains */
	err = cmd_dispatch(commands, &g, argc - 1, argv + 1);
	if ((fflush(stdout) || ferror(stdout)) && !err)
		err = fail("cannot write the output: %s", strerror(errno));
	return err;
}

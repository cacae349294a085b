// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp's main(): global options, then a command of the table. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "base/output.h"

static const struct cmd commands[] = {
	{ "run", cmd_run,
	  "[-c FILE] [-i IFACE]... [-m MODE] [--state DIR] [--ephemeral]",
	  "the daemon, in the foreground" },
	{ "status", cmd_status, "[--check]",
	  "is protection on? interfaces, map fill, counters" },
	{ "metrics", cmd_metrics, "[-o FILE]",
	  "the same in OpenMetrics text, for Prometheus" },
	{ "clients", cmd_clients, "", "who is failing, and how often" },
	{ "why", cmd_why, "ADDR", "everything known about one address" },
	{ "ban", cmd_ban, "[list] | add | del | flush", "the ban list" },
	{ "allow", cmd_allow, "[list] | add | del", "the allowlist" },
	{ "config", cmd_config, "[list] | get | set | reset | check",
	  "the settings, live and in the file" },
	{ "events", cmd_events, "[-f] [-n N]",
	  "what happened, from the journal" },
	{ "report", cmd_report, "[--since TIME]",
	  "who was banned, or would have been, and whether rightly" },
	{ "probe", cmd_probe, "[--tls HOW] HOST[:PORT]",
	  "what a mail server says to a wrong password; does it count?" },
	{ "replay", cmd_replay, "[-c FILE] [--set KEY=VALUE]... FILE",
	  "who would have been banned, by a capture (pcap, pcapng)" },
	{ "unload", cmd_unload, "[--if-stopping]",
	  "end protection: detach everything; bans stay on file" },
	{}
};

static void help(void)
{
	puts("smtpxdp bans clients that fail to log in to a mail server, in "
	     "XDP.\n\n"
	     "usage: smtpxdp [OPTION]... COMMAND [ARGUMENT]...\n\n"
	     "commands:");
	for (const struct cmd *c = commands; c->name; c++)
		printf("  %-8s %-42s %s\n", c->name, c->args, c->help);
	puts("\noptions, before or after the command:\n"
	     "  -j, --json     JSON output (see smtpxdp(8) for the shapes)\n"
	     "  -p, --pretty   indented JSON\n"
	     "  --pin DIR      where the maps are pinned, default " PINS_DEFAULT_DIR
	     "\n"
	     "  -h, --help     this text; smtpxdp COMMAND --help for one "
	     "command\n"
	     "  -V, --version  the version\n\n"
	     "exit codes: 0 done, 1 failed, 2 wrong usage; of run, 3 wrong "
	     "configuration,\n4 refused by the kernel. "
	     "Manual: man smtpxdp, man smtpxdp.conf");
}

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
	struct globals g = { .pin_dir = PINS_DEFAULT_DIR };
	int err;

	argc = take_globals(&g, argc, argv);
	if (argc < 0)
		return EXIT_USAGE;
	if (argc < 2) {
		help();
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "help")) {
		help();
		return 0;
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		puts("smtpxdp " VERSION);
		return 0;
	}
	if (*argv[1] == '-')
		return usage("unknown option %s; try smtpxdp --help", argv[1]);
	opterr = 0; /* getopt stays silent: bad_option() complains */
	err = cmd_dispatch(commands, &g, "", argc - 1, argv + 1);
	if ((fflush(stdout) || ferror(stdout)) && !err)
		err = fail("cannot write the output: %s", strerror(errno));
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban load: many bans at once, from a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "cmd/ban_args.h"
#include "lists/allowlist.h"
#include "lists/ban_file.h"
#include "lists/banlist.h"
#include "config/config.h"
#include "base/escape.h"
#include "tell/journal.h"
#include "base/net_set.h"
#include "base/output.h"
#include "maps/clients_map.h"
#include "maps/settings_map.h"
#include "state/state.h"

#define CHUNK 4096 /* bans written at once, between two looks at the clock */
/* A load that takes longer shows its progress. */
#define PATIENCE_USEC 1000000

struct load {
	const char *name; /* of the file, for messages */
	struct ban_args args; /* for lines that say nothing else */
	bool no_wait; /* do not wait until the bans are on the disk */
	struct ban_file file;
	struct pins p;
	struct clock_pair now;
	struct net_set allowed;
	size_t done;
	json_t *skipped;
	uint64_t started, shown; /* usec */
};

static const struct cmd_option options[] = {
	BAN_OPTION_FOR,
	BAN_OPTION_REASON,
	{ 'w', false, "no-wait", NULL, false,
	  "end when the bans are in force, before they are on the disk" },
	{}
};

static int parse(const struct globals *g, int argc, char **argv, struct load *l)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 't')
			err = ban_parse_time(optarg, &l->args);
		else if (c == 'r')
			err = ban_parse_reason(optarg, &l->args);
		else
			l->no_wait = true;
	}
	if (err || c < 0)
		return EXIT_USAGE;
	l->name = argv[optind];
	return 0;
}

/* Reads the whole file before any ban is written: a wrong line bans nobody. */
static int read_file(struct load *l)
{
	bool is_stdin = !strcmp(l->name, "-");
	FILE *in = is_stdin ? stdin : fopen(l->name, "re");
	char why[CONFIG_ERROR_SIZE], text[ESCAPED_SIZE(CONFIG_ERROR_SIZE)];
	size_t line;
	int err;

	if (!in)
		return fail("cannot open %s: %s", l->name, strerror(errno));
	err = ban_file_read(&l->file, in, &line, why, sizeof(why));
	if (!is_stdin)
		fclose(in);
	if (err == -EINVAL)
		return fail("%s:%zu: %s; nobody was banned", l->name, line,
			    printable(why, strlen(why), text, sizeof(text)));
	return err ? fail("cannot read %s: %s", l->name, strerror(-err)) : 0;
}

/* Skips networks with allowlisted addresses, this host's, or a gateway's. */
static bool is_refused(struct load *l, const struct net *net)
{
	char text[NET_TEXT];
	struct net entry;

	if (!net_set_overlaps(&l->allowed, net) ||
	    !allowlist_objects(&l->p, net, &entry))
		return false;
	json_array_append_new(l->skipped, json_string(net_format(net, text)));
	return true;
}

static void row_of(const struct load *l, const struct ban_file_entry *e,
		   struct ban_row *row)
{
	uint64_t seconds = e->seconds ? e->seconds : l->args.seconds;
	const char *reason =
		e->reason ? l->file.text + e->reason : l->args.reason;

	row->ban = (struct ban){
		.expires = l->now.jiffies + seconds * clock_hz(),
		.since = l->now.boot_ns,
	};
	snprintf(row->ban.reason, sizeof(row->ban.reason), "%s", reason);
}

static void show_progress(struct load *l, bool end)
{
	uint64_t now = clock_monotonic_usec();

	if (output.json || !isatty(STDERR_FILENO))
		return;
	if (end ? !l->shown : now - l->started < PATIENCE_USEC)
		return;
	if (!end && now - l->shown < PATIENCE_USEC / 5)
		return;
	l->shown = now;
	fprintf(stderr, "\r%zu of %zu%s", l->done, l->file.n, end ? "\n" : "");
}

static int write_chunk(struct load *l, struct ban_row *rows, size_t *next)
{
	size_t n = 0, done;
	int err;

	for (; *next < l->file.n && n < CHUNK; ++*next) {
		const struct ban_file_entry *e = &l->file.entries[*next];

		rows[n].net = e->whole ? client_of(&l->p, &e->net) :
					 host_inside(&l->p, &e->net);
		if (!is_refused(l, &rows[n].net))
			row_of(l, e, &rows[n++]);
	}
	err = banlist_put_many(&l->p, rows, n, &done);
	l->done += done;
	show_progress(l, false);
	return err;
}

static int write_all(struct load *l)
{
	struct ban_row *rows = calloc(CHUNK, sizeof(*rows));
	struct net *nets = NULL;
	size_t n = 0, next = 0;
	int err = rows ? clock_read(l->p.prog[PROG_CLOCK], &l->now) : -ENOMEM;

	if (!err)
		err = allow_map_nets(&l->p, &nets, &n);
	net_set_init(&l->allowed, nets, err ? 0 : n);
	if (!l->args.seconds)
		l->args.seconds =
			settings_now(&l->p)->policy[POLICY_PLAIN].ban_sec;
	l->started = clock_monotonic_usec();
	while (!err && next < l->file.n)
		err = write_chunk(l, rows, &next);
	show_progress(l, true);
	net_set_free(&l->allowed);
	free(rows);
	return err;
}

static int report_load(struct load *l, int err)
{
	size_t skipped = json_array_size(l->skipped);
	char name[ESCAPED_SIZE(256)];

	if (l->done)
		journal_note(MESSAGE_LOADED, "%zu bans were loaded from %s",
			     l->done,
			     printable(l->name, strlen(l->name), name,
				       sizeof(name)));
	if (err == -E2BIG)
		return fail("%s: %zu of %zu were banned, then the ban list was "
			    "full: raise max-bans, or remove some (smtpxdp ban "
			    "flush)",
			    l->name, l->done, l->file.n);
	if (err)
		return fail("%s: %zu of %zu were banned, then: %s", l->name,
			    l->done, l->file.n, strerror(-err));
	if (skipped)
		warn("%s: %zu of %zu are of this host, of its gateways or "
		     "allowlisted, and not banned: %s%s",
		     l->name, skipped, l->file.n,
		     json_string_value(json_array_get(l->skipped, 0)),
		     skipped > 1 ? ", ..." : "");
	output_done(json_pack("{s:I, s:O}", "loaded", (json_int_t)l->done,
			      "skipped", l->skipped),
		    "%zu bans loaded", l->done);
	return 0;
}

static int load(const struct globals *g, int argc, char **argv)
{
	struct load l = {};
	int err = parse(g, argc, argv, &l), lock;

	if (!err)
		err = read_file(&l);
	if (err || (lock = pins_open_locked(&l.p, g->pin_dir)) < 0) {
		err = err ? err : EXIT_FAILURE;
	} else {
		l.skipped = json_array();
		if (daemon_is_here(&l.p))
			allowlist_sync_host(&l.p);
		err = write_all(&l);
		pins_unlock(lock);
		state_save_command(&l.p, !l.no_wait);
		err = report_load(&l, err);
		json_decref(l.skipped);
		pins_close(&l.p);
	}
	ban_file_free(&l.file);
	return err;
}

const struct cmd cmd_ban_load = {
	.name = "load",
	.fn = load,
	.args = "FILE|-",
	.help = "ban all that a file lists: ADDR[/LEN] [TIME] [REASON]",
	.options = options,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban load: many bans at once, from a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/output.h"
#include "cmd/ban_args.h"
#include "lists/allowlist.h"
#include "lists/ban_load.h"
#include "maps/settings_map.h"
#include "maps/owner_names.h"
#include "state/state.h"
#include "tell/journal.h"

/* A load that takes longer shows its progress. */
#define PATIENCE_USEC 1000000
#define FAULTS_SHOWN 10 /* as text */

struct load {
	const char *name; /* of the file, for messages */
	struct ban_args args; /* for lines that say nothing else */
	bool no_wait; /* do not wait until the bans are on the disk */
	bool replace; /* what the owner, a list, wanted before is taken back */
	bool strict; /* a wrong line bans nobody */
	bool restore; /* the file is of ban list --plain, and believed */
	struct ban_file file;
	struct pins p;
	struct ban_load load;
};

static const struct cmd_option options[] = {
	BAN_OPTION_FOR,
	BAN_OPTION_REASON,
	BAN_OPTION_OWNER("who wants them, as ban del --owner takes them back"),
	{ 'l', false, "list", "LIST", false,
	  "the list's name: what it had before and has no more, is lifted" },
	{ 's', false, "strict", NULL, false,
	  "ban nobody where a line is wrong, instead of leaving it out" },
	{ 'p', false, "private", NULL, false,
	  "also private, CGNAT, link-local, multicast and loopback networks" },
	{ 'R', false, "restore", NULL, false,
	  "the file is of ban list --plain: owners, --force and private "
	  "networks as they were" },
	{ 'w', false, "no-wait", NULL, false,
	  "end when the bans are in force, before they are on the disk" },
	{}
};

static int parse_list(struct load *l)
{
	l->replace = true;
	return ban_parse_owner("--list", optarg, &l->args);
}

static int parse(const struct globals *g, int argc, char **argv, struct load *l)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 't')
			err = ban_parse_time(optarg, &l->args);
		else if (c == 'r')
			err = ban_parse_reason(optarg, &l->args);
		else if (c == 'l')
			err = parse_list(l);
		else if (c == 'o')
			err = ban_parse_owner("--owner", optarg, &l->args);
		else if (c == 's')
			l->strict = true;
		else if (c == 'p')
			l->load.private = true;
		else if (c == 'R')
			l->restore = true;
		else
			l->no_wait = true;
	}
	if (err || c < 0)
		return EXIT_USAGE;
	if (l->restore && l->args.owner)
		return usage("--restore: the file says who wants its bans: "
			     "leave away --list and --owner");
	l->name = argv[optind];
	return 0;
}

/* Warns of the first wrong lines. With -j, all that are kept are reported. */
static void tell_faults(const struct load *l)
{
	char text[ESCAPED_SIZE(BAN_FILE_WHY)];
	size_t n = l->file.wrong < FAULTS_SHOWN ? l->file.wrong : FAULTS_SHOWN;

	for (size_t i = 0; i < n; i++) {
		const struct ban_file_fault *f = &l->file.faults[i];

		warn("%s:%zu: %s", l->name, f->line,
		     printable(f->why, strlen(f->why), text, sizeof(text)));
	}
	if (l->file.wrong > n)
		warn("%s: %zu more lines are wrong", l->name,
		     l->file.wrong - n);
}

/* Reads the whole file before any ban is written. */
static int read_file(struct load *l)
{
	bool is_stdin = !strcmp(l->name, "-");
	FILE *in = is_stdin ? stdin : fopen(l->name, "re");
	int err;

	if (!in)
		return fail("cannot open %s: %s", l->name, strerror(errno));
	err = ban_file_read(&l->file, in, l->restore);
	if (!is_stdin)
		fclose(in);
	if (err)
		return fail("cannot read %s: %s", l->name, strerror(-err));
	tell_faults(l);
	if (l->replace && !l->file.n && !l->file.wrong)
		return fail(
			"%s: holds no network; nothing was changed (smtpxdp "
			"ban flush --owner lifts all that a list has)",
			l->name);
	if (l->file.wrong && (l->strict || !l->file.n))
		return fail("%s: %zu line%s wrong; nobody was banned", l->name,
			    l->file.wrong,
			    l->file.wrong == 1 ? " is" : "s are");
	return 0;
}

static void show_progress(const struct ban_load *l, bool end)
{
	static uint64_t started, shown; /* usec */
	uint64_t now = clock_monotonic_usec();

	if (!started)
		started = now;
	if (output.json || !isatty(STDERR_FILENO))
		return;
	if (end ? !shown : now - started < PATIENCE_USEC)
		return;
	if (!end && now - shown < PATIENCE_USEC / 5)
		return;
	shown = now;
	fprintf(stderr, "\r%zu of %zu%s", l->done, l->n, end ? "\n" : "");
}

/* Returns l's error of ban_load_plan() or ban_load_write(). */
static int write_bans(struct load *l)
{
	struct ban_load *b = &l->load;
	int err;

	b->p = &l->p;
	b->file = &l->file;
	b->seconds = l->args.seconds ?
			     l->args.seconds :
			     settings_now(&l->p)->policy[POLICY_PLAIN].ban_sec;
	b->reason = l->args.reason;
	b->owner = l->args.owner;
	if (b->owner)
		owner_name_put(&l->p, b->owner, l->args.owner_name);
	/* A line that is not understood may be one that was there before. */
	b->replace = l->replace && !l->file.wrong;
	b->progress = show_progress;
	err = ban_load_plan(b);
	return err ? err : ban_load_write(b);
}

static int no_room(const struct load *l)
{
	const struct ban_load *b = &l->load;
	bool nets = b->need.nets > b->room.nets;
	size_t need = nets ? b->need.nets : b->need.clients;
	size_t room = nets ? b->room.nets : b->room.clients;

	return fail("%s: %zu %s are to be banned anew, and there is room for "
		    "%zu; nobody was banned: raise max-bans to %zu or more, or "
		    "remove some (smtpxdp ban flush)",
		    l->name, need, nets ? "networks" : "clients", room,
		    banlist_max(&l->p) + need - room);
}

static int failed(const struct load *l, int err)
{
	const struct ban_load *b = &l->load;

	if (b->need.nets > b->room.nets || b->need.clients > b->room.clients)
		return no_room(l);
	if (err == -E2BIG)
		return fail("%s: %zu of %zu were banned, then the ban list was "
			    "full: raise max-bans, or remove some (smtpxdp ban "
			    "flush)",
			    l->name, b->done, b->n);
	return fail("%s: %zu of %zu were banned, then: %s", l->name, b->done,
		    b->n, strerror(-err));
}

static json_t *nets_json(const struct nets_left_out *nets)
{
	json_t *list = json_array();
	char text[NET_TEXT];

	for (size_t i = 0; i < nets->n; i++)
		json_array_append_new(
			list, json_string(net_format(&nets->nets[i], text)));
	return list;
}

static json_t *faults_json(const struct ban_file *f)
{
	size_t n = f->wrong < BAN_FILE_FAULTS ? f->wrong : BAN_FILE_FAULTS;
	char text[ESCAPED_SIZE(BAN_FILE_WHY)];
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const char *why = f->faults[i].why;

		printable(why, strlen(why), text, sizeof(text));
		json_array_append_new(list,
				      json_pack("{s:I, s:s}", "line",
						(json_int_t)f->faults[i].line,
						"problem", text));
	}
	return list;
}

static void tell_left_out(const struct load *l,
			  const struct nets_left_out *nets, const char *why)
{
	char first[NET_TEXT];

	if (nets->n)
		warn("%s: %zu of %zu %s: %s%s", l->name, nets->n, l->file.n,
		     why, net_format(&nets->nets[0], first),
		     nets->n > 1 ? ", ..." : "");
}

static int report_load(struct load *l)
{
	const struct ban_load *b = &l->load;
	char kept[80] = "", wrong[80] = "", lifted[80] = "";

	tell_left_out(l, &b->refused,
		      "are of this host, of its gateways or allowlisted, and "
		      "not banned");
	tell_left_out(l, &b->special,
		      "are private, CGNAT, link-local, multicast, loopback or "
		      "reserved, and not banned without --private");
	if (b->kept)
		snprintf(kept, sizeof(kept), ", %zu hold%s as long already",
			 b->kept, b->kept == 1 ? "s" : "");
	if (b->replace)
		snprintf(lifted, sizeof(lifted), ", %zu lifted", b->lifted);
	if (l->file.wrong)
		snprintf(wrong, sizeof(wrong), ", %zu line%s wrong",
			 l->file.wrong, l->file.wrong == 1 ? " is" : "s are");
	output_done(json_pack("{s:I, s:I, s:I, s:o, s:o, s:I, s:o}", "loaded",
			      (json_int_t)b->done, "kept", (json_int_t)b->kept,
			      "lifted", (json_int_t)b->lifted, "skipped",
			      nets_json(&b->refused), "private",
			      nets_json(&b->special), "wrong",
			      (json_int_t)l->file.wrong, "faults",
			      faults_json(&l->file)),
		    "%zu ban%s loaded%s%s%s", b->done, b->done == 1 ? "" : "s",
		    kept, lifted, wrong);
	return l->file.wrong ? EXIT_FAILURE : 0;
}

static int load_locked(struct load *l, int lock)
{
	char name[ESCAPED_SIZE(256)];
	int err;

	if (daemon_is_here(&l->p))
		allowlist_sync_host(&l->p);
	err = write_bans(l);
	pins_unlock(lock);
	state_save_command(&l->p, !l->no_wait);
	if (l->load.lifted)
		journal_note(MESSAGE_LOADED,
			     "%zu bans were lifted: %s has them no more",
			     l->load.lifted,
			     printable(l->name, strlen(l->name), name,
				       sizeof(name)));
	if (l->load.done)
		journal_note(MESSAGE_LOADED, "%zu bans were loaded from %s",
			     l->load.done,
			     printable(l->name, strlen(l->name), name,
				       sizeof(name)));
	return err ? failed(l, err) : report_load(l);
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
		err = load_locked(&l, lock);
		ban_load_free(&l.load);
		pins_close(&l.p);
	}
	ban_file_free(&l.file);
	return err;
}

const struct cmd cmd_ban_load = {
	.name = "load",
	.fn = load,
	.args = "FILE|-",
	.help = "ban all that a file lists: NETWORK [TIME] [REASON]",
	.options = options,
};

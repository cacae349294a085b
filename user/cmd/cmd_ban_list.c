// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban list. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/output.h"
#include "cmd/cmd.h"
#include "lists/ban_file.h"
#include "lists/banlist.h"
#include "show/entry_json.h"

struct listing {
	const struct pins *p;
	bool plain;
	json_t *rows;
	struct ban_claims claims;
	struct clock_pair now;
};

/* Prints a ban as ban load reads it: as long, and for the same reason. */
static void print_line(const struct ban_row *row, const struct clock_pair *now)
{
	char net[NET_TEXT], reason[BAN_FILE_QUOTED];

	printf("%s %" PRIu64 "s", net_format(&row->net, net),
	       clock_until(now, row->ban.expires));
	if (*row->ban.reason)
		printf(" %s", ban_file_quote(row->ban.reason, reason));
	putchar('\n');
}

static int list_one(const struct ban_row *row, void *ctx)
{
	struct listing *l = ctx;

	if (row->ban.expires <= l->now.jiffies || row->ban.flags & BAN_TEST)
		return 0;
	if (l->plain)
		print_line(row, &l->now);
	else
		json_array_append_new(l->rows,
				      ban_json(l->p, row, &l->claims, &l->now));
	return 0;
}

static const struct cmd_option options[] = {
	{ 'p', false, "plain", NULL, false,
	  "a line a ban, as smtpxdp ban load reads it" },
	{}
};

static int parse(const struct globals *g, int argc, char **argv, bool *plain)
{
	int c;

	while ((c = cmd_option(g, argc, argv)) > 0)
		*plain = true;
	if (!c && *plain && output.json)
		return usage("--plain is text: leave away -j");
	return c ? EXIT_USAGE : 0;
}

static int list(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "NETWORK", "net", 0 },
		{ "EXPIRES IN", "expires_in", COLUMN_DURATION },
		{ "BANNED AT", "banned_at", 0 },
		{ "FAILURES", "failures", 0 },
		{ "OFFENCES", "offences", 0 },
		{ "NEXT BAN", "next_ban", COLUMN_DURATION },
		{ "DROPPED", "dropped_packets", 0 },
		{ "BYTES", "dropped_bytes", COLUMN_BYTES },
		{ "CLOSED", "closed", 0 },
		{ "OWNER", "owner", 0 },
		{ "REASON", "reason", COLUMN_TEXT },
		{}
	};
	struct pins p;
	struct listing l = { .p = &p };
	int err = parse(g, argc, argv, &l.plain);

	if (err)
		return err;
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	l.rows = json_array();
	err = clock_read(p.prog[PROG_CLOCK], &l.now);
	if (!err && !l.plain)
		err = ban_claims_look(&p, l.now.jiffies, &l.claims);
	if (!err)
		err = banlist_each(&p, list_one, &l);
	if (err)
		err = fail("cannot read the ban list: %s", strerror(-err));
	else if (!l.plain)
		output_rows(l.rows, columns, "nobody is banned");
	json_decref(l.rows);
	free(l.claims.rows);
	pins_close(&p);
	return err;
}

const struct cmd cmd_ban_list = {
	.name = "list",
	.fn = list,
	.args = "",
	.help = "who is banned, for how long and why",
	.options = options,
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban list. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/output.h"
#include "base/quoted.h"
#include "cmd/cmd.h"
#include "lists/ban_fields.h"
#include "lists/banlist.h"
#include "maps/ban_claims.h"
#include "maps/owner_names.h"
#include "show/entry_json.h"

struct listing {
	const struct pins *p;
	bool plain;
	struct output_stream out;
	struct ban_claims claims;
	struct clock_pair now;
};

/* What ban load --restore is to know besides. */
static struct ban_fields fields_of(const struct pins *p, const struct ban *b)
{
	struct ban_fields f = {
		.window = b->window,
		.failures = b->failures,
		.since = clock_wall_of(b->since),
		.code = b->code,
		.flags = b->flags & (BAN_FORCED | BAN_SPARES),
	};
	struct owner_name name;

	if (ban_owner(b) && owner_name_get(p, ban_owner(b), &name))
		snprintf(f.owner, sizeof(f.owner), "%s", name.text);
	return f;
}

/* Prints a ban as ban load reads it: as long, and for the same reason. */
static void print_line(const struct listing *l, const struct ban_row *row)
{
	struct ban_fields f = fields_of(l->p, &row->ban);
	char quoted[QUOTED_SIZE(BAN_REASON_SIZE)], fields[BAN_FIELDS_TEXT];
	char net[NET_TEXT];

	printf("%s %" PRIu64 "s %s%s\n", net_format(&row->net, net),
	       clock_until(&l->now, row->ban.expires),
	       quoted_format(row->ban.reason, quoted),
	       ban_fields_format(&f, fields));
}

static void print_lines(const struct listing *l, const struct ban_row *row)
{
	const struct ban_row *c = NULL;

	print_line(l, row);
	if (row->ban.flags & BAN_SHARED)
		c = ban_claims_find(&l->claims, &row->net);
	for (; c; c = ban_claims_next(&l->claims, c))
		if (ban_owner(&c->ban) != ban_owner(&row->ban))
			print_line(l, c);
}

static int list_one(const struct ban_row *row, void *ctx)
{
	struct listing *l = ctx;

	if (row->ban.expires <= l->now.jiffies || row->ban.flags & BAN_TEST)
		return 0;
	if (l->plain)
		print_lines(l, row);
	else
		output_row(&l->out, ban_json(l->p, row, &l->claims, &l->now));
	return 0;
}

static const struct cmd_option options[] = {
	{ 'p', false, "plain", NULL, false,
	  "a line a ban, as smtpxdp ban load --restore reads it" },
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
	err = clock_read(p.prog[PROG_CLOCK], &l.now);
	if (!err)
		err = ban_claims_look(&p, l.now.jiffies, &l.claims);
	if (!err && !l.plain)
		err = output_begin(&l.out, columns);
	if (!err)
		err = banlist_each(&p, list_one, &l);
	if (err)
		err = fail("cannot read the ban list: %s", strerror(-err));
	else if (!l.plain)
		output_end(&l.out, "nobody is banned");
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

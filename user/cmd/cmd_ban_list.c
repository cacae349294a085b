// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban list. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/output.h"
#include "cmd/cmd.h"
#include "lists/banlist.h"
#include "show/entry_json.h"

struct listing {
	const struct pins *p;
	json_t *rows;
	struct clock_pair now;
};

static int list_one(const struct ban_row *row, void *ctx)
{
	struct listing *l = ctx;

	if (row->ban.expires > l->now.jiffies && !(row->ban.flags & BAN_TEST))
		json_array_append_new(l->rows, ban_json(l->p, row, &l->now));
	return 0;
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
		{ "REASON", "reason", COLUMN_TEXT },
		{}
	};
	int err = cmd_arguments(g, argc, argv);
	struct pins p;
	struct listing l = { .p = &p };

	if (err)
		return err;
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	l.rows = json_array();
	err = clock_read(p.prog[PROG_CLOCK], &l.now);
	if (!err)
		err = banlist_each(&p, list_one, &l);
	if (err)
		err = fail("cannot read the ban list: %s", strerror(-err));
	else
		output_rows(l.rows, columns, "nobody is banned");
	json_decref(l.rows);
	pins_close(&p);
	return err;
}

const struct cmd cmd_ban_list = {
	.name = "list",
	.fn = list,
	.args = "",
	.help = "who is banned, for how long and why",
};

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp clients: who is failing, the busiest first. */
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "base/output.h"
#include "maps/clients_map.h"
#include "show/entry_json.h"

static int by_failures(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;
	json_int_t n = 0;

	for (const char *const *key =
		     (const char *const[]){ "in_window", "failures", NULL };
	     *key && !n; key++)
		n = json_integer_value(json_object_get(*y, *key)) -
		    json_integer_value(json_object_get(*x, *key));
	return n < 0 ? -1 : n > 0;
}

static json_t *sorted(json_t *rows)
{
	size_t n = json_array_size(rows), i;
	json_t **list = calloc(n ? n : 1, sizeof(*list)), *row, *out;

	if (!list)
		return rows;
	json_array_foreach(rows, i, row)
		list[i] = row;
	qsort(list, n, sizeof(*list), by_failures);
	out = json_array();
	for (i = 0; i < n; i++)
		json_array_append(out, list[i]);
	free(list);
	json_decref(rows);
	return out;
}

struct listing {
	struct pins *p;
	struct geo *geo;
	struct clock_pair now;
	json_t *rows;
};

static void add_row(const struct net *net, const struct client *c, void *ctx)
{
	struct listing *l = ctx;
	struct geo_place at;
	json_t *row;

	if (!c->failures)
		return;
	row = client_json(l->p, net, c, &l->now);
	geo_look(l->geo, net, &at);
	json_object_set_new(row, "country", country_json(&at));
	json_array_append_new(l->rows, row);
}

static int clients(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "CLIENT", "net", 0 },
		{ "IN WINDOW", "in_window", 0 },
		{ "FAILURES", "failures", 0 },
		{ "SUCCESSES", "successes", 0 },
		{ "USERS", "users", 0 },
		{ "KIND", "kind", 0 },
		{ "LAST CODE", "last_code", 0 },
		{ "LAST SEEN", "last_seen", 0 },
		{ "BANNED", "banned", COLUMN_YES },
		{ "COUNTRY", "country", 0 },
		{}
	};
	int err = cmd_arguments(g, argc, argv);
	struct pins p;
	struct listing l = { .p = &p, .rows = json_array() };

	if (!err && pins_open(&p, g->pin_dir))
		err = EXIT_FAILURE;
	else if (!err) {
		err = clock_read(p.prog[PROG_CLOCK], &l.now);
		if (err) {
			err = fail("cannot read the kernel's clock: %s",
				   strerror(-err));
		} else {
			l.geo = geo_open_in_force(&p);
			clients_each(&p, add_row, &l);
			geo_close(l.geo);
			l.rows = sorted(l.rows);
			output_rows(l.rows, columns,
				    "no failed logins were seen");
		}
		pins_close(&p);
	}
	json_decref(l.rows);
	return err;
}

const struct cmd cmd_clients = {
	.name = "clients",
	.fn = clients,
	.args = "",
	.help = "who is failing, and how often",
};

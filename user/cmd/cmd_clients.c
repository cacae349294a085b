// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp clients: who is failing, the busiest first. */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "show/origin.h"
#include "base/output.h"
#include "show/rows.h"

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

static json_t *row(const struct pins *p, const struct geo *geo,
		   const struct addr *key, const struct client *c,
		   const struct clock_pair *now)
{
	json_t *r = client_json(p, key, c, now);
	struct geo_place at;

	geo_look(geo, key, &at);
	json_object_set_new(r, "country", country_json(&at));
	return r;
}

static void collect(struct pins *p, const struct clock_pair *now, json_t *rows)
{
	struct geo *geo = origin_open(p);
	struct addr key, *prev = NULL;
	struct client c;

	while (!bpf_map_get_next_key(p->map[MAP_CLIENTS], prev, &key)) {
		if (!bpf_map_lookup_elem(p->map[MAP_CLIENTS], &key, &c) &&
		    c.failures)
			json_array_append_new(rows, row(p, geo, &key, &c, now));
		prev = &key;
	}
	geo_close(geo);
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
	json_t *rows = json_array();
	struct clock_pair now;
	struct pins p;

	if (!err && pins_open(&p, g->pin_dir))
		err = EXIT_FAILURE;
	else if (!err) {
		err = clock_read(p.prog[PROG_CLOCK], &now);
		if (err) {
			err = fail("cannot read the kernel's clock: %s",
				   strerror(-err));
		} else {
			collect(&p, &now, rows);
			rows = sorted(rows);
			output_rows(rows, columns,
				    "no failed logins were seen");
		}
		pins_close(&p);
	}
	json_decref(rows);
	return err;
}

const struct cmd cmd_clients = {
	.name = "clients",
	.fn = clients,
	.args = "",
	.help = "who is failing, and how often",
};

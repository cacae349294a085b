// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp status: is protection on, and what is known of it? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "maps/counter_map.h"
#include "base/output.h"
#include "show/status.h"

static void print_fill(const json_t *doc, const char *what, const char *max)
{
	long long n = json_integer_value(json_object_get(doc, what));
	long long of = json_integer_value(json_object_get(doc, max));

	printf("%-12s %lld of %lld (%lld%%)\n", what, n, of,
	       of ? 100 * n / of : 0);
}

/* Where a library is probed, in words: see tls_trial.h. */
static const char *probed_text(const char *way)
{
	static const char *const ways[][2] = {
		{ "entry", "its exported functions" },
		{ "trial", "its exported functions; others are tried" },
		{ "behind", "functions behind its exported ones" },
		{ "differs", "its exported functions, for others were called "
			     "otherwise" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (way && !strcmp(way, ways[i][0]))
			return ways[i][1];
	return "?";
}

static void print_tls(const json_t *tls)
{
	const json_t *blind = json_object_get(tls, "blind"), *v;
	size_t i;

	if (!json_is_true(json_object_get(tls, "running")))
		printf("%-12s not read\n", "tls");
	json_array_foreach(json_object_get(tls, "libraries"), i, v)
		printf("%-12s %s, probed at %s\n", i ? "" : "tls",
		       json_string_value(v),
		       probed_text(json_string_value(json_array_get(
			       json_object_get(tls, "probed"), i))));
	json_array_foreach(blind, i, v)
		printf("%-12s port %lld: pid %lld (%s) writes TLS by a library "
		       "that is not known\n",
		       "BLIND",
		       (long long)json_integer_value(
			       json_object_get(v, "port")),
		       (long long)json_integer_value(json_object_get(v, "pid")),
		       json_string_value(json_object_get(v, "name")));
}

/* Prints a line for each problem: object, problem, remedy. */
static void print_problems(const json_t *doc, const char *title)
{
	const char *object, *problem, *remedy;
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(doc, "problems"), i, p)
		if (!json_unpack(p, "{s:s, s:s, s:s}", "object", &object,
				 "problem", &problem, "remedy", &remedy))
			printf("%s%s: %s; %s\n", title, object, problem,
			       remedy);
}

static void print_protection(const json_t *doc, const char *mode)
{
	bool ok = json_is_true(json_object_get(doc, "ok"));

	printf("%-12s %s\n", "protection",
	       !ok			? "NOT as it should be" :
	       !strcmp(mode, "monitor") ? "watching; in mode monitor nobody "
					  "is banned" :
					  "on");
	print_problems(doc, "PROBLEM      ");
}

/* Prints every refused program; those that are missed are problems, too. */
static void print_refused(const json_t *refused)
{
	const char *program, *why;
	json_t *r;
	size_t i;
	int missed;

	json_array_foreach(refused, i, r)
		if (!json_unpack(r, "{s:s, s:s, s:b}", "program", &program,
				 "why", &why, "missed", &missed))
			printf("%-12s %s: %s%s\n", i ? "" : "refused", program,
			       why, missed ? "" : " (nothing needs it here)");
}

static void print_older_ways(const json_t *ways)
{
	const char *object, *way, *newest, *since;
	json_t *w;
	size_t i;

	json_array_foreach(ways, i, w)
		if (!json_unpack(w, "{s:s, s:s, s:s, s:s}", "object", &object,
				 "way", &way, "newest", &newest, "since",
				 &since))
			printf("%-12s %s: by %s instead of %s (Linux %s)\n",
			       i ? "" : "older ways", object, way, newest,
			       since);
}

/* Prints nothing where there are no groups. */
static void print_groups(const json_t *groups)
{
	const json_t *s, *sources = json_object_get(groups, "sources");
	const char *source, *by, *group, *since;
	long long nets;
	size_t i;
	int failed;

	json_array_foreach(sources, i, s) {
		since = json_string_value(json_object_get(s, "since"));
		if (json_unpack((json_t *)s, "{s:s, s:s, s:s, s:b}", "group",
				&group, "by", &by, "source", &source, "failed",
				&failed))
			continue;
		nets = json_integer_value(json_object_get(s, "networks"));
		printf("%-12s %s: %s %s, %lld network%s since %s%s\n",
		       i ? "" : "groups", group, by, source, nets,
		       nets == 1 ? "" : "s", since ? since : "-",
		       failed ? "; CANNOT BE READ now" : "");
	}
}

static void print_iface(const json_t *iface, const char *title)
{
	const char *name = json_string_value(json_object_get(iface, "name"));
	const char *why =
		json_string_value(json_object_get(iface, "users_why"));

	if (json_is_true(json_object_get(iface, "waiting"))) {
		printf("%-12s waiting for %s\n", title, name);
		return;
	}
	printf("%-12s %s: xdp %s, tc %s, tc ingress %s, users %s%s%s%s\n",
	       title, name, json_string_value(json_object_get(iface, "xdp")),
	       json_string_value(json_object_get(iface, "tc")),
	       json_string_value(json_object_get(iface, "tc_in")),
	       json_string_value(json_object_get(iface, "users")),
	       why ? " (" : "", why ? why : "", why ? ")" : "");
}

/* Says of a way's first device how the gate is attached there. */
static const char *gate_of(const json_t *interfaces, const char *name)
{
	const json_t *iface;
	size_t i;

	json_array_foreach(interfaces, i, iface)
		if (!strcmp(json_string_value(json_object_get(iface, "name")),
			    name))
			return json_string_value(json_object_get(iface, "xdp"));
	return NULL;
}

static void print_devices(const json_t *way, const json_t *interfaces)
{
	const json_t *v;
	size_t i;

	if (json_is_true(json_object_get(way, "routed")))
		printf("routed > ");
	json_array_foreach(json_object_get(way, "devices"), i, v) {
		const char *gate =
			i ? NULL : gate_of(interfaces, json_string_value(v));

		printf("%s%s%s%s > ", json_string_value(v),
		       gate ? " (xdp " : "", gate ? gate : "", gate ? ")" : "");
	}
}

/* From the NIC to the server, each way on a line. */
static void print_ways(const json_t *ways, const json_t *interfaces)
{
	const json_t *way, *v;
	size_t i, k;

	json_array_foreach(ways, i, way) {
		const json_t *name = json_object_get(way, "name");

		printf("%-12s ", i ? "" : "ways");
		print_devices(way, interfaces);
		if (json_is_string(name))
			printf("container of %s (pid %lld):",
			       json_string_value(name),
			       (long long)json_integer_value(
				       json_object_get(way, "pid")));
		else
			printf("this host:");
		json_array_foreach(json_object_get(way, "ports"), k, v)
			printf("%s %lld", k ? "," : "",
			       (long long)json_integer_value(v));
		putchar('\n');
	}
}

static void print_counters(const json_t *counters)
{
	static const struct column columns[] = {
		{ "COUNTER", "counter", 0 },
		{ "PACKETS", "packets", COLUMN_NUMBER },
		{ "BYTES", "bytes", COLUMN_NUMBER },
		{ "", "sentence", COLUMN_TEXT },
		{}
	};
	json_t *rows = json_array();

	for (int c = 0; c < COUNTERS_MAX; c++) {
		json_t *v = json_object_get(counters, counter_names[c]);

		json_array_append_new(
			rows, json_pack("{s:s, s:O?, s:O?, s:s}", "counter",
					counter_names[c], "packets",
					json_object_get(v, "packets"), "bytes",
					json_object_get(v, "bytes"), "sentence",
					counter_sentences[c]));
	}
	table_print(rows, columns);
	json_decref(rows);
}

static void print_closed(const json_t *settings)
{
	bool spares = json_is_true(json_object_get(settings, "spares"));

	printf("%-12s %s%s\n", "closed",
	       json_string_value(json_object_get(settings, "closed")),
	       spares ? "; 25 only to whom it refused, too" : "");
}

static void print_text(json_t *doc)
{
	const char *mode = json_string_value(json_object_get(doc, "mode"));
	json_t *iface, *daemon = json_object_get(doc, "daemon");
	size_t i;

	print_protection(doc, mode);
	printf("%-12s %s\n", "mode", mode);
	if (json_is_true(json_object_get(daemon, "running")))
		printf("%-12s running, pid %lld\n", "daemon",
		       (long long)json_integer_value(
			       json_object_get(daemon, "pid")));
	else
		printf("%-12s NOT running\n", "daemon");
	json_array_foreach(json_object_get(doc, "interfaces"), i, iface)
		print_iface(iface, i ? "" : "interfaces");
	if (!json_array_size(json_object_get(doc, "interfaces")))
		printf("%-12s none: nothing is attached\n", "interfaces");
	print_ways(json_object_get(doc, "ways"),
		   json_object_get(doc, "interfaces"));
	print_tls(json_object_get(doc, "tls"));
	print_refused(json_object_get(doc, "refused"));
	print_older_ways(json_object_get(doc, "older_ways"));
	print_groups(json_object_get(doc, "groups"));
	print_closed(json_object_get(doc, "settings"));
	print_fill(doc, "bans", "max_bans");
	print_fill(doc, "clients", "max_clients");
	putchar('\n');
	print_counters(json_object_get(doc, "counters"));
}

static int print_status(json_t *doc, bool check)
{
	bool ok = json_is_true(json_object_get(doc, "ok"));
	json_t *brief;

	if (!check) {
		if (!output_json(doc))
			print_text(doc);
	} else {
		brief = json_pack("{s:b, s:O}", "ok", ok, "problems",
				  json_object_get(doc, "problems"));
		if (!output_json(brief))
			print_problems(doc, "");
		json_decref(brief);
	}
	json_decref(doc);
	return ok ? 0 : EXIT_FAILURE;
}

static const struct cmd_option options[] = {
	{ 'c', false, "check", NULL, false,
	  "only what is wrong, a line each, with its remedy" },
	{}
};

static int status(const struct globals *g, int argc, char **argv)
{
	bool check = false;
	struct pins p;
	json_t *doc;
	int c, err;

	while ((c = cmd_option(g, argc, argv)) > 0)
		check = true;
	if (c < 0)
		return EXIT_USAGE;
	if (check && !pins_exist(g->pin_dir))
		return print_status(status_unloaded(g->pin_dir), true);
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	doc = status_collect(&p, STATUS_PATIENCE_MSEC);
	err = doc ? print_status(doc, check) :
		    fail("cannot read map daemon, or no memory");
	pins_close(&p);
	return err;
}

const struct cmd cmd_status = {
	.name = "status",
	.fn = status,
	.args = "",
	.help = "is protection on? interfaces, map fill, counters",
	.options = options,
};

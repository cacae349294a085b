// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/metrics.h"

#include <stdio.h>
#include <string.h>

#include "show/checkup.h"

#define PREFIX "smtpxdp_"

/* --- the families */

/*
 * Adds a family and returns its samples. Types are counter and gauge only:
 * node_exporter's textfile collector knows neither info nor stateset.
 */
static json_t *family(json_t *all, const char *name, const char *type,
		      const char *unit, const char *help)
{
	json_t *samples = json_array();

	json_array_append_new(all, json_pack("{s:s+, s:s, s:s, s:s, s:O}",
					     "name", PREFIX, name, "type", type,
					     "unit", unit, "help", help,
					     "samples", samples));
	json_decref(samples); /* the family holds a reference */
	return samples;
}

/* Adds a sample. Takes the reference to `labels`, not that to `value`. */
static void sample(json_t *samples, json_t *labels, json_t *value)
{
	json_array_append_new(samples, json_pack("{s:o, s:O}", "labels", labels,
						 "value", value));
}

static void number(json_t *samples, json_t *labels, json_int_t value)
{
	json_t *v = json_integer(value);

	sample(samples, labels, v);
	json_decref(v);
}

static json_int_t is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static json_t *label(const char *name, const char *value)
{
	return json_pack("{s:s}", name, value);
}

static void add_health(json_t *all, const json_t *status)
{
	json_int_t problems[HEALTH_MAX] = {};
	json_t *samples, *p;
	const char *name;
	size_t i;

	samples = family(all, "build_info", "gauge", "",
			 "The version; always 1.");
	number(samples,
	       label("version",
		     json_string_value(json_object_get(status, "version"))),
	       1);
	samples = family(all, "up", "gauge", "",
			 "Does the daemon run, and does its loop turn?");
	number(samples, json_object(),
	       is_true(json_object_get(status, "daemon"), "serves"));
	json_array_foreach(json_object_get(status, "problems"), i, p) {
		name = json_string_value(json_object_get(p, "check"));
		for (int h = 0; h < HEALTH_MAX; h++)
			problems[h] += !strcmp(name, health_names[h]);
	}
	samples = family(all, "problems", "gauge", "",
			 "What smtpxdp status --check finds wrong, by what it "
			 "looked at; all 0: protection is on.");
	for (int h = 0; h < HEALTH_MAX; h++)
		number(samples, label("check", health_names[h]), problems[h]);
}

static void add_limit(const json_t *settings, const char *name,
		      json_t *failures, json_t *seconds)
{
	const json_t *limit = json_object_get(settings, name);
	json_t *n = json_object_get(limit, "failures");

	if (!json_integer_value(n))
		return; /* the limit is off */
	sample(failures, label("limit", name), n);
	sample(seconds, label("limit", name),
	       json_object_get(limit, "seconds"));
}

static void add_settings(json_t *all, const json_t *status)
{
	const json_t *settings = json_object_get(status, "settings");
	const char *mode = json_string_value(json_object_get(status, "mode"));
	json_t *samples, *failures, *seconds;

	samples = family(all, "mode", "gauge", "", "1 for the mode in force.");
	number(samples, label("mode", "enforce"), !strcmp(mode, "enforce"));
	number(samples, label("mode", "monitor"), !strcmp(mode, "monitor"));
	failures = family(all, "limit_failures", "gauge", "",
			  "So many failed logins lead to a ban ...");
	seconds = family(all, "limit_seconds", "gauge", "seconds",
			 "... if they come within so much time.");
	add_limit(settings, "rate", failures, seconds);
	add_limit(settings, "slow_rate", failures, seconds);
	samples = family(all, "ban_seconds", "gauge", "seconds",
			 "How long a client's first ban lasts.");
	sample(samples, json_object(), json_object_get(settings, "ban_time"));
}

static void add_counters(json_t *all, const json_t *status)
{
	json_t *counters = json_object_get(status, "counters"), *events, *v;
	json_t *packets, *bytes, *told;
	const char *name;

	packets =
		family(all, "counted", "counter", "",
		       "What the kernel programs counted, by reason: packets, "
		       "replies, failed logins; smtpxdp status explains each.");
	bytes = family(all, "counted_bytes", "counter", "bytes",
		       "The bytes of those that are packets.");
	json_object_foreach(counters, name, v) {
		sample(packets, label("reason", name),
		       json_object_get(v, "packets"));
		sample(bytes, label("reason", name),
		       json_object_get(v, "bytes"));
	}
	told = family(all, "events", "counter", "",
		      "Messages told to the journal, by kind: bans, unbans, "
		      "expiries, faults, ...");
	events = json_object_get(status, "events");
	json_object_foreach(events, name, v)
		sample(told, label("event", name), v);
}

static void add_fill(json_t *all, const json_t *status)
{
	json_t *of, *by, *v, *entries, *max, *bans;
	const char *name, *origin;

	bans = family(all, "bans", "gauge", "",
		      "Bans that hold, of clients and of networks, by who made "
		      "them: the kernel (provisional), the daemon (automatic), "
		      "a command.");
	of = json_object_get(status, "bans_by");
	json_object_foreach(of, name, by)
		json_object_foreach(by, origin, v)
			sample(bans,
			       json_pack("{s:s, s:s}", "kind", name, "origin",
					 origin),
			       v);
	entries = family(all, "map_entries", "gauge", "",
			 "Entries of a map, with those that have run out and "
			 "are not removed yet.");
	max = family(all, "map_max_entries", "gauge", "",
		     "How many it has room for. clients and streams make room "
		     "by themselves.");
	of = json_object_get(status, "maps");
	json_object_foreach(of, name, v) {
		sample(entries, label("map", name),
		       json_object_get(v, "entries"));
		sample(max, label("map", name),
		       json_object_get(v, "max_entries"));
	}
}

static void add_attached(json_t *all, const json_t *status)
{
	static const char *const hooks[] = { "xdp", "tc", "tc_in" };
	const char *name, *how;
	json_t *samples, *v;
	size_t i;

	samples = family(
		all, "attached", "gauge", "",
		"Is the gate (xdp), is the sensor (tc; tc_in: of users) "
		"attached to the interface? As the kernel has it; how: native, "
		"generic, dispatcher, tcx, clsact, none.");
	json_array_foreach(json_object_get(status, "interfaces"), i, v) {
		name = json_string_value(json_object_get(v, "name"));
		for (int h = 0; h < 3; h++) {
			how = json_string_value(json_object_get(v, hooks[h]));
			number(samples,
			       json_pack("{s:s, s:s, s:s}", "interface", name,
					 "hook", hooks[h], "how", how),
			       strcmp(how, "none") != 0);
		}
	}
}

/* No sample for an interface that was not tested: neither value is true. */
static void add_users(json_t *all, const json_t *status)
{
	json_t *samples, *v;
	const char *users;
	size_t i;

	samples = family(all, "users_read", "gauge", "",
			 "Is it read in the clear who is tried, as a frame "
			 "through the interface shows? Only where that could "
			 "be tested.");
	json_array_foreach(json_object_get(status, "interfaces"), i, v) {
		users = json_string_value(json_object_get(v, "users"));
		if (!strcmp(users, "read") || !strcmp(users, "not read"))
			number(samples,
			       label("interface",
				     json_string_value(
					     json_object_get(v, "name"))),
			       !strcmp(users, "read"));
	}
}

static void add_tls(json_t *all, const json_t *status)
{
	const json_t *tls = json_object_get(status, "tls");
	json_t *samples, *v;
	size_t i;

	samples = family(all, "tls_running", "gauge", "",
			 "Are replies inside TLS read?");
	number(samples, json_object(), is_true(tls, "running"));
	samples = family(all, "tls_library", "gauge", "",
			 "1 for each TLS library that has probes in it.");
	json_array_foreach(json_object_get(tls, "libraries"), i, v)
		number(samples, label("path", json_string_value(v)), 1);
	samples = family(all, "tls_blind_processes", "gauge", "",
			 "Mail server processes whose TLS goes by unseen.");
	number(samples, json_object(),
	       json_array_size(json_object_get(tls, "blind")));
}

json_t *metrics_of(const json_t *status)
{
	json_t *all = json_array();

	add_health(all, status);
	if (!json_object_get(status, "mode"))
		return all; /* status_unloaded()'s document */
	add_settings(all, status);
	add_counters(all, status);
	add_fill(all, status);
	add_attached(all, status);
	add_users(all, status);
	add_tls(all, status);
	return all;
}

/* --- their text */

/* Escapes a label's value or a help text by the ABNF of OpenMetrics 1.0. */
static void put_escaped(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			fputs("\\n", out);
		else if (*s == '\\' || *s == '"')
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
}

static void put_sample(FILE *out, const char *name, const char *suffix,
		       const json_t *s)
{
	json_t *labels = json_object_get(s, "labels"), *v;
	const char *key, *before = "{";

	fprintf(out, "%s%s", name, suffix);
	json_object_foreach(labels, key, v) {
		fprintf(out, "%s%s=\"", before, key);
		put_escaped(out, json_string_value(v));
		fputc('"', out);
		before = ",";
	}
	fprintf(out, "%s %lld\n", json_object_size(labels) ? "}" : "",
		(long long)json_integer_value(json_object_get(s, "value")));
}

static void put_family(FILE *out, const json_t *f)
{
	const char *name, *type, *unit, *help;
	json_t *samples, *s;
	size_t i;

	if (json_unpack((json_t *)f, "{s:s, s:s, s:s, s:s, s:o}", "name", &name,
			"type", &type, "unit", &unit, "help", &help, "samples",
			&samples))
		return;
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (*unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s ", name);
	put_escaped(out, help);
	fputc('\n', out);
	json_array_foreach(samples, i, s)
		put_sample(out, name, strcmp(type, "counter") ? "" : "_total",
			   s);
}

char *metrics_text(const json_t *families)
{
	char *text = NULL;
	json_t *f;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	json_array_foreach(families, i, f)
		put_family(out, f);
	fputs("# EOF\n", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

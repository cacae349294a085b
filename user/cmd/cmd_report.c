// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp report: who was banned in the last days, or would have been. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/address.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "base/duration.h"
#include "base/escape.h"
#include "tell/journal.h"
#include "show/journal_read.h"
#include "lists/geo.h"
#include "maps/pins.h"
#include "base/output.h"
#include "tell/names.h"
#include "show/report.h"

#define SINCE_DEFAULT (7 * 86400)
#define USEC 1000000ULL
#define ROWS_SHOWN 20

/* Events from before there was a database name no country: look it up now. */
static void look_up(sd_journal *j, const struct geo *geo, char country[8])
{
	char client[ADDR_TEXT];
	struct geo_place at;
	struct net host;

	journal_field(j, "SMTPXDP_COUNTRY", country, 8);
	if (*country || host_parse(journal_field(j, "SMTPXDP_CLIENT", client,
						 sizeof(client)),
				   &host))
		return;
	geo_look(geo, &host, &at);
	strcpy(country, at.country);
}

static void take_entry(sd_journal *j, const struct geo *geo, struct report *r)
{
	char country[8], group[16];
	char event[32], net[64], text[ESCAPED_SIZE(TEXT_SIZE)], sensor[16];
	char kind[16];
	char failures[16], window[16], regular[8], time[CLOCK_TEXT];
	struct report_event e = { .net = net,
				  .text = text,
				  .sensor = sensor,
				  .kind = kind,
				  .country = country,
				  .group = group };
	uint64_t usec = 0;

	journal_field(j, "SMTPXDP_EVENT", event, sizeof(event));
	e.banned = !strcmp(event, message_names[MESSAGE_BAN]);
	if (!e.banned && strcmp(event, message_names[MESSAGE_WOULD_BAN]))
		return;
	/* Bans by command have no failures: they say nothing about the rate. */
	if (!*journal_field(j, "SMTPXDP_FAILURES", failures, sizeof(failures)))
		return;
	sd_journal_get_realtime_usec(j, &usec);
	e.time = clock_format_wall(usec, time);
	journal_field(j, "SMTPXDP_NET", net, sizeof(net));
	journal_field(j, "SMTPXDP_TEXT", text, sizeof(text));
	journal_field(j, "SMTPXDP_SENSOR", sensor, sizeof(sensor));
	/* Events of former versions name no kind. */
	if (!*journal_field(j, "SMTPXDP_KIND", kind, sizeof(kind)))
		strcpy(kind, offender_name(OFFENDER_UNKNOWN));
	journal_field(j, "SMTPXDP_GROUP", group, sizeof(group));
	look_up(j, geo, country);
	journal_field(j, "SMTPXDP_WINDOW_SEC", window, sizeof(window));
	e.regular =
		*journal_field(j, "SMTPXDP_REGULAR", regular, sizeof(regular));
	e.failures = strtoul(failures, NULL, 10);
	e.window_sec = strtoul(window, NULL, 10);
	report_add(r, &e);
}

/* Opens the databases of the settings in force, if anything is loaded. */
static struct geo *open_geo(const struct globals *g)
{
	struct geo *geo;
	struct pins p;

	if (!pins_exist(g->pin_dir) || pins_try_open(&p, g->pin_dir))
		return NULL;
	geo = geo_open_in_force(&p);
	pins_close(&p);
	return geo;
}

static int read_journal(const struct geo *geo, uint64_t since_usec,
			struct report *r)
{
	sd_journal *j;
	int err = journal_open(&j);

	if (err)
		return err;
	err = sd_journal_seek_realtime_usec(j, since_usec);
	while (err >= 0 && (err = sd_journal_next(j)) > 0)
		take_entry(j, geo, r);
	sd_journal_close(j);
	return err < 0 ? fail("cannot read the journal: %s", strerror(-err)) :
			 0;
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && *s ? s : "-";
}

static json_int_t times(const json_t *client)
{
	return number(client, "bans") + number(client, "would_bans");
}

/* Copies the first rows of a list, and adds each one's share of `max`. */
static json_t *shown(const json_t *list, json_int_t (*count)(const json_t *row),
		     json_int_t max)
{
	json_t *rows = json_array(), *row, *copy;
	size_t i;

	json_array_foreach(list, i, row) {
		if (i == ROWS_SHOWN)
			break;
		copy = json_copy(row);
		json_object_set_new(copy, "times", json_integer(count(row)));
		json_object_set_new(copy, "share",
				    json_integer(max ? 1000 * count(row) / max :
						       0));
		json_array_append_new(rows, copy);
	}
	return rows;
}

/* Prints a list whose first row has the longest bar. */
static void print_list(const json_t *list,
		       json_int_t (*count)(const json_t *row),
		       const struct column *columns)
{
	json_t *rows = shown(list, count, count(json_array_get(list, 0)));

	putchar('\n');
	table_print(rows, columns);
	if (json_array_size(list) > ROWS_SHOWN)
		printf("  ... and %zu more (-j has them all)\n",
		       json_array_size(list) - ROWS_SHOWN);
	json_decref(rows);
}

static void print_clients(const json_t *list)
{
	static const struct column columns[] = {
		{ "CLIENT", "net", 0 },
		{ "TIMES", "times", COLUMN_NUMBER },
		{ "LOGGED IN", "regular", COLUMN_YES },
		{ "KIND", "kind", 0 },
		{ "COUNTRY", "country", 0 },
		{ "LAST", "last", 0 },
		{ "", "share", COLUMN_BAR },
		{}
	};

	print_list(list, times, columns);
}

/* Prints nothing where no country is known. */
static void print_countries(const json_t *list)
{
	static const struct column columns[] = {
		{ "TIMES", "times", COLUMN_NUMBER },
		{ "CLIENTS", "clients", COLUMN_NUMBER },
		{ "", "share", COLUMN_BAR },
		{ "COUNTRY", "country", 0 },
		{}
	};
	const json_t *first = json_array_get(list, 0);

	if (json_array_size(list) > 1 ||
	    !json_is_null(json_object_get(first, "country")))
		print_list(list, times, columns);
}

static json_int_t count(const json_t *row)
{
	return number(row, "count");
}

static void print_texts(const json_t *list)
{
	static const struct column columns[] = {
		{ "TIMES", "times", COLUMN_NUMBER },
		{ "", "share", COLUMN_BAR },
		{ "REPLY", "text", COLUMN_TEXT },
		{}
	};

	print_list(list, count, columns);
}

static void print_kinds(const json_t *kinds)
{
	static const char *const means[] = {
		[OFFENDER_UNKNOWN] = "passwords not read, or only one",
		[OFFENDER_STALE] = "a password again and again: an old one?",
		[OFFENDER_ATTACK] = "many users",
		[OFFENDER_GUESSES] = "one password after the other",
	};
	static const struct column columns[] = {
		{ "TIMES", "times", COLUMN_NUMBER },
		{ "", "share", COLUMN_BAR },
		{ "KIND", "kind", COLUMN_TEXT },
		{}
	};
	json_t *list = json_array(), *rows;
	json_int_t all = 0;

	for (int i = OFFENDER_UNKNOWN; i <= OFFENDER_GUESSES; i++) {
		json_int_t n = number(kinds, offender_name(i));

		all += n;
		json_array_append_new(
			list,
			json_pack("{s:I, s:o}", "count", n, "kind",
				  json_sprintf("%s (%s)", offender_name(i),
					       means[i])));
	}
	rows = shown(list, count, all);
	putchar('\n');
	table_print(rows, columns);
	json_decref(rows);
	json_decref(list);
}

static void print_advice(const json_t *doc)
{
	long long regulars = number(doc, "regulars");

	if (json_is_null(json_object_get(doc, "rate")))
		return; /* groups only: rate had no part in it */
	if (!regulars)
		printf("\nNone of them had logged in before: rate %s hits "
		       "whom it should.\n",
		       string(doc, "rate"));
	else
		printf("\n%lld of them had logged in before: with rate %s, "
		       "people are hit who have an account here. Suggested:\n"
		       "  smtpxdp config set rate %s\n",
		       regulars, string(doc, "rate"),
		       string(doc, "suggested_rate"));
}

static void print_text(const json_t *doc, const char *since)
{
	printf("since %s: %lld bans, %lld would-bans, of %zu clients\n", since,
	       (long long)number(doc, "bans"),
	       (long long)number(doc, "would_bans"),
	       json_array_size(json_object_get(doc, "clients")));
	if (!json_array_size(json_object_get(doc, "clients")))
		return;
	print_clients(json_object_get(doc, "clients"));
	print_countries(json_object_get(doc, "countries"));
	print_texts(json_object_get(doc, "texts"));
	print_kinds(json_object_get(doc, "kinds"));
	print_advice(doc);
}

static const struct cmd_option options[] = {
	{ 's', false, "since", "TIME", false,
	  "so far back, like 12h, instead of 7d" },
	{}
};

static int report(const struct globals *g, int argc, char **argv)
{
	uint64_t seconds = SINCE_DEFAULT, now = time(NULL);
	char since[CLOCK_TEXT];
	struct report r;
	struct geo *geo;
	json_t *doc;
	int c;

	while ((c = cmd_option(g, argc, argv)) > 0)
		if (duration_parse(optarg, &seconds) || !seconds)
			return usage("report: --since '%.32s': a time like "
				     "12h or 7d",
				     optarg);
	if (c < 0)
		return EXIT_USAGE;
	if (report_init(&r))
		return fail("out of memory");
	seconds = seconds < now ? now - seconds : 0;
	geo = open_geo(g);
	c = read_journal(geo, seconds * USEC, &r);
	geo_close(geo);
	doc = report_finish(&r);
	clock_format_wall(seconds * USEC, since);
	json_object_set_new(doc, "since", json_string(since));
	if (!c && !output_json(doc))
		print_text(doc, since);
	json_decref(doc);
	return c;
}

const struct cmd cmd_report = {
	.name = "report",
	.fn = report,
	.args = "",
	.help = "who was banned, or would have been, and whether rightly",
	.options = options,
};

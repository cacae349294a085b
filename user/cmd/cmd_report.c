// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp report: what the last days would look like, or did. */
#include <getopt.h>
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
#include "base/output.h"
#include "tell/names.h"
#include "show/report.h"

#define SINCE_DEFAULT (7 * 86400)
#define USEC 1000000ULL
#define ROWS_SHOWN 20
#define BAR_WIDTH 30

/* Events of before there was a database do not say: it may know now. */
static void look_up(sd_journal *j, const struct geo *geo, char country[8])
{
	char client[ADDR_TEXT];
	struct geo_place at;
	struct net host;

	journal_field(j, "SMTPXDP_COUNTRY", country, 8);
	if (*country ||
	    host_parse(journal_field(j, "SMTPXDP_CLIENT", client,
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
	struct report_event e = {
		.net = net, .text = text, .sensor = sensor, .kind = kind,
		.country = country, .group = group
	};
	uint64_t usec = 0;

	journal_field(j, "SMTPXDP_EVENT", event, sizeof(event));
	e.banned = !strcmp(event, message_names[MESSAGE_BAN]);
	if (!e.banned && strcmp(event, message_names[MESSAGE_WOULD_BAN]))
		return;
	/* A ban by command has no failures, and says nothing of the rate. */
	if (!*journal_field(j, "SMTPXDP_FAILURES", failures, sizeof(failures)))
		return;
	sd_journal_get_realtime_usec(j, &usec);
	e.time = clock_format_wall(usec, time);
	journal_field(j, "SMTPXDP_NET", net, sizeof(net));
	journal_field(j, "SMTPXDP_TEXT", text, sizeof(text));
	journal_field(j, "SMTPXDP_SENSOR", sensor, sizeof(sensor));
	/* Events of former versions do not say. */
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

/* Of the settings in force, if there are any. */
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

/* As long as n is of max. */
static const char *bar(json_int_t n, json_int_t max, char buf[BAR_WIDTH + 1])
{
	int len = max ? (n * BAR_WIDTH + max - 1) / max : 0;

	memset(buf, '#', len);
	buf[len] = '\0';
	return buf;
}

static json_int_t times(const json_t *client)
{
	return number(client, "bans") + number(client, "would_bans");
}

static void print_more(const json_t *list)
{
	if (json_array_size(list) > ROWS_SHOWN)
		printf("  ... and %zu more (-j has them all)\n",
		       json_array_size(list) - ROWS_SHOWN);
}

static void print_clients(const json_t *list)
{
	char line[BAR_WIDTH + 1];
	const json_t *row;
	size_t i;

	printf("\n%-43s  %5s  %-9s  %-7s  %-7s  %s\n", "CLIENT", "TIMES",
	       "LOGGED IN", "KIND", "COUNTRY", "LAST");
	json_array_foreach(list, i, row)
		if (i < ROWS_SHOWN)
			printf("%-43s  %5lld  %-9s  %-7s  %-7s  %s  %s\n",
			       string(row, "net"), (long long)times(row),
			       json_is_true(json_object_get(row, "regular")) ?
				       "yes" :
				       "-",
			       string(row, "kind"), string(row, "country"),
			       string(row, "last"),
			       bar(times(row), times(json_array_get(list, 0)),
				   line));
	print_more(list);
}

/* Nothing where no country is known. */
static void print_countries(const json_t *list)
{
	const json_t *row = json_array_get(list, 0);
	json_int_t most = times(row);
	char line[BAR_WIDTH + 1];
	size_t i;

	if (json_array_size(list) == 1 &&
	    json_is_null(json_object_get(row, "country")))
		return;
	printf("\n%5s  %7s  %-*s  %s\n", "TIMES", "CLIENTS", BAR_WIDTH, "",
	       "COUNTRY");
	json_array_foreach(list, i, row)
		if (i < ROWS_SHOWN)
			printf("%5lld  %7lld  %-*s  %s\n",
			       (long long)times(row),
			       (long long)number(row, "clients"), BAR_WIDTH,
			       bar(times(row), most, line),
			       string(row, "country"));
	print_more(list);
}

static void print_kinds(const json_t *kinds)
{
	static const char *const means[] = {
		[OFFENDER_UNKNOWN] = "not known, or two users",
		[OFFENDER_STALE] = "one user over and over: an old password?",
		[OFFENDER_ATTACK] = "many users",
	};
	json_int_t all = 0;
	const json_t *count;
	const char *name;
	char line[BAR_WIDTH + 1];

	json_object_foreach((json_t *)kinds, name, count)
		all += json_integer_value(count);
	printf("\n%5s  %-*s  %s\n", "TIMES", BAR_WIDTH, "", "KIND");
	for (int i = OFFENDER_UNKNOWN; i <= OFFENDER_ATTACK; i++)
		printf("%5lld  %-*s  %s (%s)\n",
		       (long long)number(kinds, offender_name(i)), BAR_WIDTH,
		       bar(number(kinds, offender_name(i)), all, line),
		       offender_name(i), means[i]);
}

static void print_texts(const json_t *list)
{
	char line[BAR_WIDTH + 1];
	const json_t *row;
	size_t i;

	printf("\n%5s  %-*s  %s\n", "TIMES", BAR_WIDTH, "", "REPLY");
	json_array_foreach(list, i, row)
		if (i < ROWS_SHOWN)
			printf("%5lld  %-*s  %s\n",
			       (long long)number(row, "count"), BAR_WIDTH,
			       bar(number(row, "count"),
				   number(json_array_get(list, 0), "count"),
				   line),
			       string(row, "text"));
	print_more(list);
}

static void print_advice(const json_t *doc)
{
	long long regulars = number(doc, "regulars");

	if (json_is_null(json_object_get(doc, "rate")))
		return; /* strict and lenient ones only */
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

int cmd_report(const struct globals *g, int argc, char **argv)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' }, {}
	};
	uint64_t seconds = SINCE_DEFAULT, now = time(NULL);
	char since[CLOCK_TEXT];
	struct report r;
	struct geo *geo;
	json_t *doc;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == '?')
			return bad_option(argv);
		if (duration_parse(optarg, &seconds) || !seconds)
			return usage("report: --since '%.32s': a time like "
				     "12h or 7d",
				     optarg);
	}
	if (optind < argc)
		return usage("report: unexpected argument '%s'", argv[optind]);
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

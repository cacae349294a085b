// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/report.h"

#include <errno.h>
#include <stdlib.h>

#include "base/duration.h"
#include "settings.h"

int report_init(struct report *r)
{
	*r = (struct report){
		.clients = json_object(),
		.texts = json_object(),
		.sensors = json_object(),
		.kinds = json_object(),
		.countries = json_object(),
	};
	return r->clients && r->texts && r->sensors && r->kinds &&
			       r->countries ?
		       0 :
		       -ENOMEM;
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void add_one(json_t *o, const char *key)
{
	json_object_set_new(o, key, json_integer(number(o, key) + 1));
}

/* Counts an event for its country, a client only for its first country. */
static void add_country(struct report *r, const struct report_event *e,
			bool first)
{
	json_t *row = json_object_get(r->countries, e->country);

	if (!row) {
		row = json_pack("{s:o, s:i, s:i, s:i}", "country",
				*e->country ? json_string(e->country) :
					      json_null(),
				"bans", 0, "would_bans", 0, "clients", 0);
		json_object_set_new(r->countries, e->country, row);
	}
	add_one(row, e->banned ? "bans" : "would_bans");
	if (first)
		add_one(row, "clients");
}

void report_add(struct report *r, const struct report_event *e)
{
	json_t *client = json_object_get(r->clients, e->net);
	bool first = !client;

	if (first) {
		client = json_pack("{s:s, s:i, s:i, s:b}", "net", e->net,
				   "bans", 0, "would_bans", 0, "regular", 0);
		json_object_set_new(client, "group", json_null());
		json_object_set_new(r->clients, e->net, client);
	}
	add_one(client, e->banned ? "bans" : "would_bans");
	if (e->regular)
		json_object_set_new(client, "regular", json_true());
	json_object_set_new(client, "last", json_string(e->time));
	json_object_set_new(client, "text", json_string(e->text));
	add_one(r->texts, e->text);
	json_object_set_new(client, "kind", json_string(e->kind));
	add_one(r->sensors, e->sensor);
	add_one(r->kinds, e->kind);
	json_object_set_new(client, "country",
			    *e->country ? json_string(e->country) :
					  json_null());
	if (*e->group)
		json_object_set_new(client, "group", json_string(e->group));
	add_country(r, e, first);
	*(e->banned ? &r->bans : &r->would_bans) += 1;
	if (*e->group)
		return; /* a group has a rate of its own */
	r->failures = e->failures;
	r->window_sec = e->window_sec;
}

/* How busy a row of clients, countries or texts is. */
static json_int_t weight(const json_t *row)
{
	return number(row, "bans") + number(row, "would_bans") +
	       number(row, "count");
}

static int by_weight(const void *a, const void *b)
{
	json_int_t x = weight(*(json_t *const *)a);
	json_int_t y = weight(*(json_t *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The values of an object as an array, the heaviest first. Takes the object. */
static json_t *ranked(json_t *object)
{
	size_t n = json_object_size(object), i = 0;
	json_t **rows = calloc(n ? n : 1, sizeof(*rows)), *list = json_array();
	const char *key;
	json_t *row;

	json_object_foreach(object, key, row)
		if (rows)
			rows[i++] = row;
	if (rows)
		qsort(rows, i, sizeof(*rows), by_weight);
	for (size_t k = 0; k < i; k++)
		json_array_append(list, rows[k]);
	free(rows);
	json_decref(object);
	return list;
}

static json_t *texts(struct report *r)
{
	json_t *rows = json_object(), *count;
	const char *text;

	json_object_foreach(r->texts, text, count)
		json_object_set_new(rows, text,
				    json_pack("{s:s, s:O}", "text", text,
					      "count", count));
	json_decref(r->texts);
	return ranked(rows);
}

static json_t *rate(uint32_t failures, uint32_t seconds)
{
	char time[DURATION_TEXT];

	if (!failures)
		return json_null();
	return json_sprintf("%u/%s", failures, duration_format(seconds, time));
}

json_t *report_finish(struct report *r)
{
	json_int_t regulars = 0;
	uint32_t better = r->failures;
	const char *net;
	json_t *client;

	json_object_foreach(r->clients, net, client)
		regulars += json_is_true(json_object_get(client, "regular"));
	/* this very rate hit regular clients: suggest twice as many */
	if (regulars)
		better = 2 * better < RATE_MAX ? 2 * better : RATE_MAX;
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "bans", (json_int_t)r->bans, "would_bans",
			 (json_int_t)r->would_bans, "regulars", regulars,
			 "clients", ranked(r->clients), "texts", texts(r),
			 "sensors", r->sensors, "kinds", r->kinds, "countries",
			 ranked(r->countries), "rate",
			 rate(r->failures, r->window_sec), "suggested_rate",
			 rate(better, r->window_sec));
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sums events up: who was banned, or would have been, how often, by which
 * reply, and who of them had logged in. Pure: it knows no journal.
 */
#ifndef SMTPXDP_REPORT_H
#define SMTPXDP_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One crossing of the threshold; texts are fit for a terminal. */
struct report_event {
	bool banned; /* else it would have been */
	const char *net;
	const char *text; /* the reply's */
	const char *sensor;
	const char *time;
	const char *kind; /* of offender: stale, attack or unknown */
	const char *group; /* of networks, or "" */
	const char *country; /* or "" */
	bool regular; /* has logged in before */
	uint32_t failures; /* within */
	uint32_t window_sec;
};

struct report {
	json_t *clients; /* by net */
	json_t *texts; /* by text: how often */
	json_t *sensors;
	json_t *kinds;
	json_t *countries; /* by code, "" where it is not known */
	uint64_t bans, would_bans;
	uint32_t failures, window_sec; /* of the last one: the rate */
};

int report_init(struct report *r);
void report_add(struct report *r, const struct report_event *e);

/*
 * {"bans", "would_bans", "regulars", "clients": [{"net", "bans", "would_bans",
 * "regular", "last", "text", "kind", "country", "group"}], "texts": [{"text",
 * "count"}], "sensors", "kinds": {name: count}, "countries": [{"country",
 * "bans", "would_bans", "clients"}], "rate", "suggested_rate"}, the busiest
 * first. Takes what r holds. The rate is that of whom no group has: null if
 * there were none.
 */
json_t *report_finish(struct report *r);

#endif

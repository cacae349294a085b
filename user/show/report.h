/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sums events up: clients that were banned or would have been, how often, for
 * which reply, and which of them had logged in. Pure: knows no journal.
 */
#ifndef SMTPXDP_REPORT_H
#define SMTPXDP_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One event of a client that reached a limit; texts are safe for terminals. */
struct report_event {
	bool banned; /* false: it would have been */
	const char *net;
	const char *text; /* the reply's line */
	const char *sensor;
	const char *time;
	const char *kind; /* offender_name(): stale, attack or unknown */
	const char *group; /* group of networks, or "" */
	const char *country; /* ISO 3166-1 code, or "" */
	bool regular; /* the client had logged in before */
	uint32_t failures; /* failures within window_sec */
	uint32_t window_sec;
};

struct report {
	json_t *clients; /* rows of clients, by net */
	json_t *texts; /* counts by reply text */
	json_t *sensors;
	json_t *kinds;
	json_t *countries; /* rows of countries, by code; "": not known */
	uint64_t bans, would_bans;
	/* of the last event without group: the rate */
	uint32_t failures, window_sec;
};

/* 0, or -ENOMEM. */
int report_init(struct report *r);
void report_add(struct report *r, const struct report_event *e);

/*
 * The report, the busiest first; frees what r holds:
 * {"bans", "would_bans", "regulars", "clients": [{"net", "bans",
 * "would_bans", "regular", "last", "text", "kind", "country",
 * "group"}], "texts": [{"text", "count"}], "sensors", "kinds":
 * {name: count}, "countries": [{"country", "bans", "would_bans",
 * "clients"}], "rate", "suggested_rate"}
 * The rates are of clients in no group: null if there were none.
 */
json_t *report_finish(struct report *r);

#endif

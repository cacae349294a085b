/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map entries as the JSON objects that several commands print. */
#ifndef SMTPXDP_ROWS_H
#define SMTPXDP_ROWS_H

#include <jansson.h>

#include "banlist.h"
#include "client.h"

struct ban_listing {
	json_t *rows;
	struct clock_pair now;
};

/* {net, expires_in, banned_at, reason, failures, dropped_packets, ...} */
json_t *ban_json(const struct ban_row *row, const struct clock_pair *now);

/* {net, failures, in_window, last_code, last_seen, banned, successes} */
json_t *client_json(const struct pins *p, const struct addr *key,
		    const struct client *c, const struct clock_pair *now);

#endif

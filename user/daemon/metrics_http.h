/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Serves the metrics by HTTP, within the daemon's loop: key metrics-listen. */
#ifndef SMTPXDP_METRICS_HTTP_H
#define SMTPXDP_METRICS_HTTP_H

#include <systemd/sd-event.h>

#include "config/config.h"
#include "maps/pins.h"

struct metrics_http;

/*
 * Serves /metrics at an address. -errno: cannot listen there. Limits clients in
 * number, size of a request and time of silence.
 */
int metrics_http_start(struct metrics_http **http, sd_event *e, struct pins *p,
		       const struct listen_address *at);
void metrics_http_stop(struct metrics_http *http);

#endif

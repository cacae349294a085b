/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Serves the metrics by HTTP: key metrics-listen. What comes from the network is
 * read by a child process without rights; the daemon hands it the text.
 */
#ifndef SMTPXDP_METRICS_SERVER_H
#define SMTPXDP_METRICS_SERVER_H

#include <systemd/sd-event.h>

#include "config/config.h"
#include "maps/pins.h"

struct metrics_server;

/* -errno: cannot listen there, or start the child. */
int metrics_server_start(struct metrics_server **server, sd_event *e,
			 struct pins *p, const struct listen_address *at);
void metrics_server_stop(struct metrics_server *server);

#endif

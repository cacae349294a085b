/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's loop: events, expiry, signals, watchdog. */
#ifndef SMTPXDP_EVENT_LOOP_H
#define SMTPXDP_EVENT_LOOP_H

#include "config/config.h"
#include "daemon/cut_queue.h"
#include "lists/fuse.h"
#include "daemon/groups_watch.h"
#include "daemon/ifaces.h"
#include "daemon/net_watch.h"
#include "maps/pins.h"

struct daemon {
	struct pins pins;
	struct tls_sensor *tls;
	struct cut_queue cuts;
	struct fuse fuse;
	struct groups_watch groups;
	struct metrics_http *metrics; /* or NULL */
	uint64_t asked; /* how often commands asked to save everything */
	struct ifaces ifaces;
	struct net_watch network;
	struct config overrides; /* what the command line set */
	const char *config_path; /* NULL: runs without a file */
	bool config_required;	 /* named by -c, or read before */
};

/* Defaults, file, command line; -errno with the cause in err. */
int daemon_configure(struct daemon *d, struct config *c, char *err,
		     size_t size);

/* Runs until SIGTERM or SIGINT. -errno, complained about. */
int event_loop(struct daemon *d);

#endif

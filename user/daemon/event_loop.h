/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The daemon's event loop: ring buffer, timers, signals, watchdog. */
#ifndef SMTPXDP_EVENT_LOOP_H
#define SMTPXDP_EVENT_LOOP_H

#include "config/config.h"
#include "daemon/alarm_watch.h"
#include "daemon/cut_queue.h"
#include "lists/fuse.h"
#include "daemon/groups_watch.h"
#include "daemon/ifaces.h"
#include "daemon/names_watch.h"
#include "daemon/net_watch.h"
#include "daemon/on_event.h"
#include "daemon/overdue.h"
#include "maps/pins.h"

/* The daemon's state between its start and its end. */
struct daemon {
	struct pins pins;
	struct tls_sensor *tls;
	struct cut_queue cuts;
	struct fuse fuse;
	struct groups_watch groups;
	struct names_watch names;
	struct overdue overdue;
	struct alarm_watch alarms;
	struct on_event on_event;
	struct metrics_server *metrics; /* NULL: not served */
	uint64_t asked; /* activity_asked() as last seen */
	struct ifaces ifaces;
	struct net_watch network;
	struct config overrides; /* keys set on the command line */
	const char *config_path; /* NULL: no configuration file */
	/* the file must exist: named by -c, or read before */
	bool config_required;
};

/*
 * Reads the configuration: defaults, then the file, then the command line.
 * -errno with the cause in err.
 */
int daemon_configure(struct daemon *d, struct config *c, char *err,
		     size_t size);

/* Runs until SIGTERM or SIGINT. 0, or -errno after printing the cause. */
int event_loop(struct daemon *d);

#endif

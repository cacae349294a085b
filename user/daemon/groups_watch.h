/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon's watch over the files of groups: it reads changed files, and
 * keeps the databases open. It stats them once a second, which costs nothing
 * for a handful; inotify would miss changes on a network or behind a link.
 */
#ifndef SMTPXDP_GROUPS_WATCH_H
#define SMTPXDP_GROUPS_WATCH_H

#include "config/config.h"
#include "lists/geo.h"
#include "maps/pins.h"

struct groups_watch {
	struct config c; /* in force */
	uint32_t changes; /* of the settings, when `c` was loaded */
	bool known; /* `c` is loaded */
	uint64_t seen; /* the fingerprint at the last look */
	uint64_t opened; /* the fingerprint when the databases were opened */
	struct geo *geo; /* the databases, or NULL */
};

/* To be called about once a second; acts when files have stopped changing. */
void groups_watch(struct pins *p, struct groups_watch *w);
void groups_watch_free(struct groups_watch *w);

#endif

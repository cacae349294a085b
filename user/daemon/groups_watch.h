/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The daemon looks whether files of groups have changed, however they were, and
 * has the databases open. No inotify: it does not tell of files on a network or
 * behind a link, and to ask for a handful of files once a second costs nothing.
 */
#ifndef SMTPXDP_GROUPS_WATCH_H
#define SMTPXDP_GROUPS_WATCH_H

#include "config/config.h"
#include "lists/geo.h"
#include "maps/pins.h"

struct groups_watch {
	struct config c; /* in force, */
	uint32_t generation; /* as of these settings */
	bool known;
	uint64_t seen; /* fingerprint when last looked */
	uint64_t opened; /* fingerprint when the databases were opened */
	struct geo *geo; /* or NULL */
};

/* To be called about once a second: acts when nothing changes any more. */
void groups_watch(struct pins *p, struct groups_watch *w);
void groups_watch_free(struct groups_watch *w);

#endif

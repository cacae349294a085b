/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is protection really on? The kernel is asked, and the programs are tried;
 * our own notes say only what ought to be.
 */
#ifndef SMTPXDP_HEALTH_H
#define SMTPXDP_HEALTH_H

#include <jansson.h>

#include "maps/activity_map.h"
#include "daemon.h"
#include "maps/pins.h"

/* What is looked at: names are in `status -j`, and labels of metrics. */
#define HEALTH_CHECKS(X)                                                       \
	X(DAEMON, "daemon") /* runs, and its loop turns */                     \
	X(XDP, "xdp") /* the gate is attached, */                              \
	X(TC, "tc") /* and the sensor, to every interface */                   \
	X(PROGRAMS, "programs") /* the kernel has taken those it needs */      \
	X(MAPS, "maps") /* they work on the maps that are pinned */            \
	X(GATE, "gate") /* drops who is banned, and nobody else */             \
	X(SENSOR, "sensor") /* reads replies, and who was tried */             \
	X(ROOM, "room") /* for the next ban */                                 \
	X(TLS, "tls") /* replies inside TLS are read */                        \
	X(CUT, "cut") /* open connections of the banned can be ended */        \
	X(FUSE, "fuse") /* bans are not held back */                           \
	X(STATE, "state") /* bans are saved, for the next boot */

enum health_check {
#define X(id, name) HEALTH_##id,
	HEALTH_CHECKS(X)
#undef X
		HEALTH_MAX
};

extern const char *const health_names[HEALTH_MAX];

/*
 * An array of what is wrong: [{"check", "object", "problem", "remedy"}]. `tls`
 * and `interfaces` are what the status has under these names; into each of the
 * latter go "users" and "users_why". The self-test waits `patience`
 * milliseconds for the writers' lock.
 */
json_t *health_check(struct pins *p, const struct daemon_info *info,
		     enum daemon_state state, const json_t *tls,
		     const json_t *interfaces, unsigned int patience);

/* The same where nothing is pinned at all. */
json_t *health_unloaded(const char *dir);

#endif

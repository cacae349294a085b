/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The checks by name, what they look at, and the problems that they find. */
#ifndef SMTPXDP_CHECKUP_H
#define SMTPXDP_CHECKUP_H

#include <jansson.h>

#include "daemon.h"
#include "maps/activity_map.h"
#include "maps/pins.h"

/* The names appear in `status -j`, and as labels of metrics. */
#define HEALTH_CHECKS(X)                                                       \
	X(DAEMON, "daemon") /* runs, and its loop turns */                     \
	X(XDP, "xdp") /* the gate is attached to every interface */            \
	X(TC, "tc") /* the sensors are attached to every interface */          \
	X(PROGRAMS, "programs") /* the kernel has taken the needed ones */     \
	X(MAPS, "maps") /* the programs work on the maps that are pinned */    \
	X(GATE, "gate") /* drops banned addresses, and no others */            \
	X(SENSOR, "sensor") /* reads replies, and user names */                \
	X(ROOM, "room") /* the ban list takes one more ban */                  \
	X(TLS, "tls") /* replies inside TLS are read */                        \
	X(CUT, "cut") /* open connections of banned clients can be ended */    \
	X(FUSE, "fuse") /* bans are not held back */                           \
	X(STATE, "state") /* bans are saved, for the next boot */              \
	X(BRAKE, "brake") /* max-bans-per-minute holds none back */            \
	X(SERVERS, "servers") /* none is met whose replies are not read */     \
	X(PASSES, "passes") /* no banned client comes in by another way */     \
	X(EXEMPT, "exempt") /* most failures are of who can be banned */       \
	X(WAYS, "ways") /* clients come in where the gate is attached */       \
	X(GROUPS, "groups") /* the groups' files can be read */                \
	X(PROXIES, "proxies") /* they name the clients that log in */          \
	X(DNS, "dns") /* DNS has addresses of the key allow's names */         \
	X(FRONTS,                                                              \
	  "fronts") /* no client that reaches a limit has many users */        \
	X(ON_EVENT, "on-event") /* the program that it names can be run */

enum health_check {
#define X(id, name) HEALTH_##id,
	HEALTH_CHECKS(X)
#undef X
		HEALTH_MAX
};

extern const char *const health_names[HEALTH_MAX];

#define PROBLEM_SIZE 256 /* fits a problem */
#define RESTART_DAEMON "restart the daemon"

struct config;

struct checkup {
	struct pins *p;
	const struct daemon_info *info;
	enum daemon_state state;
	const struct config *config; /* in force; NULL: no memory for it */
	const json_t *tls; /* these three: see health_check() */
	const json_t *interfaces;
	unsigned int patience;
	json_t *problems; /* an array, see there as well */
};

/* Adds a problem. `object` is cut after 64 bytes and escaped. */
void problem(struct checkup *c, enum health_check check, const char *object,
	     const char *text, const char *remedy);

#endif

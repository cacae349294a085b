/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The settings in force: map settings, and their text in map daemon. */
#ifndef SMTPXDP_SETTINGS_MAP_H
#define SMTPXDP_SETTINGS_MAP_H

#include "config/config.h"
#include "daemon.h"
#include "maps/pins.h"

/* The settings by which the programs judge the next packet. */
const struct settings *settings_now(const struct pins *p);

/*
 * Puts a configuration in force; returns when no program uses the old settings
 * any more. The callers of this and of the next three hold the writers' lock.
 */
int settings_publish(struct pins *p, const struct config *c);

/*
 * Tell the programs whether map ban_nets, or allow_nets, has entries at all: an
 * empty one is not looked up.
 */
int settings_note_nets(struct pins *p);
int settings_note_allow(struct pins *p);

/* Says which map of groups is in use: see struct groups. */
void settings_set_groups(struct pins *p, __u32 which);

/* The configuration in force, from map daemon. -errno. */
int settings_load(const struct pins *p, struct config *c);

int daemon_read(const struct pins *p, struct daemon_info *info);
/* Does the daemon run in this process's network namespace? */
bool daemon_is_here(const struct pins *p);
int daemon_write(const struct pins *p, const struct daemon_info *info);

#endif

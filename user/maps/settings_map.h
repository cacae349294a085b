/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The settings in force: map settings, and their text in map daemon. */
#ifndef SMTPXDP_SETTINGS_MAP_H
#define SMTPXDP_SETTINGS_MAP_H

#include "config/config.h"
#include "daemon.h"
#include "maps/pins.h"

/* What the next packet will be judged by. */
const struct settings *settings_now(const struct pins *p);

/*
 * The rest is to be called with the writers' lock held. settings_publish()
 * returns when no packet is judged by the old settings any more.
 */
int settings_publish(struct pins *p, const struct config *c);

/* Tells the programs which of the lists have entries at all, and of what kind.
 */
int settings_note_nets(struct pins *p);
int settings_note_allow(struct pins *p);

/* Which map of groups is in use: see struct groups. */
void settings_set_groups(struct pins *p, __u32 which);

/* The configuration in force, from map daemon. -errno. */
int settings_load(const struct pins *p, struct config *c);

int daemon_read(const struct pins *p, struct daemon_info *info);
/* Are the daemon's addresses and connections the ones that we see here? */
bool daemon_is_here(const struct pins *p);
int daemon_write(const struct pins *p, const struct daemon_info *info);

#endif

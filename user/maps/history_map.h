/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map history: the past bans of clients. Writers hold the writers' lock. */
#ifndef SMTPXDP_HISTORY_MAP_H
#define SMTPXDP_HISTORY_MAP_H

#include <stdint.h>

#include "history.h"
#include "maps/pins.h"
#include "settings.h"

/* The ns of CLOCK_BOOTTIME from which on ban-forget forgets these offences. */
int64_t history_forgotten_at(const struct settings *s, const struct history *h);

/*
 * The past of a client at that time of the boot clock. Its offences are 0 where
 * there were none, where all are forgotten, and for a network that is no
 * client.
 */
struct history history_recall(const struct pins *p, const struct net *net,
			      uint64_t boot_ns);

/* Writes an entry; a full map drops the client that was unseen for longest. */
int history_put(struct pins *p, const struct net *net, const struct history *h);

/* Forgets all clients within a network. Returns how many, or -errno. */
int history_forget(struct pins *p, const struct net *net);

/* Calls fn for every entry, also forgotten ones; stops where fn is not 0. */
typedef int (*history_fn)(const struct net *net, const struct history *h,
			  void *ctx);
int history_each(const struct pins *p, history_fn fn, void *ctx);

#endif

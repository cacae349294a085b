/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who was banned before: map history. Writers hold the writers' lock. */
#ifndef SMTPXDP_HISTORY_MAP_H
#define SMTPXDP_HISTORY_MAP_H

#include <stdint.h>

#include "history.h"
#include "maps/pins.h"

/*
 * What is known of a client at that time of the boot clock; no offences where
 * there were none, or all are forgotten, or this is no client but a network.
 */
struct history history_recall(const struct pins *p, const struct net *net,
			      uint64_t boot_ns);

/* Where there is no room, the client that was unseen for longest makes some. */
int history_put(struct pins *p, const struct net *net, const struct history *h);

/* Forgets all clients within a network; how many, or -errno. */
int history_forget(struct pins *p, const struct net *net);

/* Every entry, forgotten ones included; stops where fn is not 0. */
typedef int (*history_fn)(const struct net *net, const struct history *h,
			  void *ctx);
int history_each(const struct pins *p, history_fn fn, void *ctx);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Feeds the fuse from the kernel's counters, and tells the programs. */
#ifndef SMTPXDP_FUSE_WATCH_H
#define SMTPXDP_FUSE_WATCH_H

#include "lists/fuse.h"
#include "maps/pins.h"

/* To be called every second. */
void fuse_watch(struct pins *p, struct fuse *f);

/* Are bans held back now? At so many jiffies. */
bool fuse_is_blown(const struct pins *p, uint64_t jiffies);

#endif

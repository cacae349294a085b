/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps signs, exempt and arrivals: see include/alarm.h. */
#ifndef SMTPXDP_SIGN_MAP_H
#define SMTPXDP_SIGN_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "alarm.h"
#include "maps/pins.h"

/*
 * Reads a sign. False: there was none within the last SIGN_PAUSE_SEC before
 * `now`, in ns of CLOCK_BOOTTIME.
 */
bool sign_is_recent(const struct sign *s, uint64_t now);
bool sign_read(const struct pins *p, enum sign_kind kind, uint64_t now,
	       struct sign *s);

/* The same, however long ago. */
bool sign_last(const struct pins *p, enum sign_kind kind, struct sign *s);

/* Forgets that mail servers, here and elsewhere, accepted banned clients. */
void sign_forget_passes(const struct pins *p);

/* The entry of an address in map exempt. False: none of its failures is known. */
bool exempt_find(const struct pins *p, const struct net *host,
		 struct exempt *e);

/* Calls fn for each entry of map exempt, or of map arrivals. */
typedef void (*exempt_fn)(const struct net *host, const struct exempt *e,
			  void *ctx);
typedef void (*arrival_fn)(uint32_t ifindex, const struct sign *s, void *ctx);

void exempt_each(const struct pins *p, exempt_fn fn, void *ctx);
void arrivals_each(const struct pins *p, arrival_fn fn, void *ctx);

/*
 * The same for each entry of map elsewhere with a recent sign, and whose
 * namespace some process has that this one can see: others are none of this
 * daemon's business. Looks at all processes, once, if there is such an entry.
 */
typedef void (*elsewhere_fn)(const struct elsewhere *e, void *ctx);
void elsewhere_each(const struct pins *p, uint64_t now, elsewhere_fn fn,
		    void *ctx);

#endif

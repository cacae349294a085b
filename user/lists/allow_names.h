/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of the key `allow`: which are to be looked up, and what an answer
 * means for the allowlist. Only whole addresses come of a name, never a
 * network. Writers hold the writers' lock.
 */
#ifndef SMTPXDP_ALLOW_NAMES_H
#define SMTPXDP_ALLOW_NAMES_H

#include "base/dns_answer.h"
#include "config/config.h"
#include "maps/allow_names_map.h"

/* Seconds between lookups of a name: its TTL, within these bounds. */
#define NAME_TTL_MIN 10
#define NAME_TTL_MAX 3600
#define NAME_RETRY 30 /* after one that gave no address */

/*
 * Makes the names those of the key: new ones are looked up at once, others'
 * addresses leave the allowlist. -errno.
 */
int allow_names_sync(struct pins *p, const struct config *c);

/*
 * Takes an answer: an address that is new is allowlisted, and its ban lifted;
 * one that is gone is off the list. An answer without any address changes
 * nothing: the last one holds. The journal is told. A name that was taken from
 * the key meanwhile is let be. -errno.
 */
int allow_names_answer(struct pins *p, const struct host_name *name,
		       const struct dns_answer *a, uint64_t boot_ns);

/* All names are due now; with `starts`, a daemon has had no answer yet. */
void allow_names_hurry(struct pins *p, bool starts);

/* Why a lookup gave nothing, in words; "" for DNS_OK. */
const char *dns_fault_text(uint32_t fault);

#endif

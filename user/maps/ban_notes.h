/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the table of bans has no room for, in map ban_reasons: the reasons that
 * somebody gave, and ends that are beyond what a tick can say. Most bans have
 * neither.
 */
#ifndef SMTPXDP_BAN_NOTES_H
#define SMTPXDP_BAN_NOTES_H

#include "ban.h"
#include "ban_lines.h"
#include "maps/pins.h"

/* The reason that is not stored, because it can be told from the rest. */
void ban_default_reason(const struct ban *b, char reason[BAN_REASON_SIZE]);

/* Of a client that has BAN_NOTED, and expires at that tick: into b. */
void ban_note_get(const struct pins *p, const struct addr *client,
		  uint32_t tick, struct ban *b);

/* BAN_NOTED if there is any, 0 if not, or -errno. Needs the writers' lock. */
int ban_note_put(struct pins *p, const struct ban_client *c,
		 const struct ban *b, uint32_t tick);

void ban_note_drop(struct pins *p, const struct addr *client);

#endif

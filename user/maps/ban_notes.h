/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map ban_reasons: notes on bans of clients, where map bans has no room. A note
 * holds a reason that a person gave, or an end beyond the largest tick. Most
 * bans have no note.
 */
#ifndef SMTPXDP_BAN_NOTES_H
#define SMTPXDP_BAN_NOTES_H

#include "ban.h"
#include "maps/pins.h"

/* The reason that a ban gets from its other fields, and that no note holds. */
void ban_default_reason(const struct ban *b, char reason[BAN_REASON_SIZE]);

/*
 * Completes b by the client's note; `tick` is the end that map bans has. To be
 * called where the ban has BAN_NOTED.
 */
void ban_note_get(const struct pins *p, const struct net *client, uint32_t tick,
		  struct ban *b);

/*
 * Writes the client's note, or drops the old one, as b needs it; c is of
 * ban_map_client(). Returns
 * BAN_NOTED if there is a note now, 0 if there is none, -E2BIG, or -errno. The
 * caller holds the writers' lock.
 */
int ban_note_put(struct pins *p, const struct ban_client *c,
		 const struct net *client, const struct ban *b, uint32_t tick);

void ban_note_drop(struct pins *p, const struct net *client);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/ban_notes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/duration.h"

void ban_default_reason(const struct ban *b, char reason[BAN_REASON_SIZE])
{
	char window[DURATION_TEXT];

	if (!b->failures)
		snprintf(reason, BAN_REASON_SIZE, "by command");
	else if (b->flags & BAN_PROVISIONAL)
		*reason = '\0'; /* the daemon has not handled its event yet */
	else
		snprintf(reason, BAN_REASON_SIZE, "%u failure%s in %s",
			 b->failures, b->failures == 1 ? "" : "s",
			 duration_format(b->window, window));
}

/* The map is a trie, and all of its keys have 128 bits. */
static struct net key_of(const struct net *client)
{
	return net_around(client, ADDR_BITS);
}

void ban_note_get(const struct pins *p, const struct net *client, uint32_t tick,
		  struct ban *b)
{
	struct net key = key_of(client);
	struct ban_note note;

	if (bpf_map_lookup_elem(p->map[MAP_BAN_NOTES], &key, &note))
		return;
	if (*note.reason)
		memcpy(b->reason, note.reason, sizeof(b->reason));
	if (tick == BAN_TICK_MAX && note.expires > b->expires)
		b->expires = note.expires;
}

void ban_note_drop(struct pins *p, const struct net *client)
{
	struct net key = key_of(client);

	bpf_map_delete_elem(p->map[MAP_BAN_NOTES], &key);
}

/* The slot of the client's ban, run out or not; negative: there is none. */
static int slot_of(const struct pins *p, const struct ban_client *c)
{
	return ban_search(p->bans.head, c, 0, BAN_CLAIMED);
}

/*
 * Drops the notes of bans that are gone: a sensor that takes a slot whose ban
 * has run out leaves its note. Deletes one step behind the walk, which needs
 * the key that it goes on from.
 */
static void forget_notes(struct pins *p)
{
	struct net key, next, *prev = NULL;
	int fd = p->map[MAP_BAN_NOTES];
	bool gone = false;

	while (!bpf_map_get_next_key(fd, prev, &next)) {
		struct ban_client c = ban_map_client(p->bans.head, &next);

		if (gone)
			bpf_map_delete_elem(fd, &key);
		key = next;
		prev = &key;
		gone = slot_of(p, &c) < 0;
	}
	if (gone)
		bpf_map_delete_elem(fd, &key);
}

int ban_note_put(struct pins *p, const struct ban_client *c,
		 const struct net *client, const struct ban *b, uint32_t tick)
{
	int pos = slot_of(p, c);
	struct net key = key_of(client);
	int fd = p->map[MAP_BAN_NOTES];
	char usual[BAN_REASON_SIZE];
	struct ban_note note = {};

	if (*b->reason)
		ban_default_reason(b, usual);
	if (*b->reason && strcmp(b->reason, usual))
		snprintf(note.reason, sizeof(note.reason), "%s", b->reason);
	if (tick == BAN_TICK_MAX)
		note.expires = b->expires;
	if (!*note.reason && !note.expires) {
		if (pos >= 0 &&
		    ban_flags(&ban_info_of(p->bans.head, c, pos)->cause) &
			    BAN_NOTED)
			bpf_map_delete_elem(fd, &key);
		return 0;
	}
	if (!bpf_map_update_elem(fd, &key, &note, BPF_ANY))
		return BAN_NOTED;
	if (errno != ENOSPC)
		return -errno;
	forget_notes(p);
	if (!bpf_map_update_elem(fd, &key, &note, BPF_ANY))
		return BAN_NOTED;
	return errno == ENOSPC ? -E2BIG : -errno;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Moves the entries of one map from an older generation to this one. */
#ifndef SMTPXDP_CARRY_MAP_H
#define SMTPXDP_CARRY_MAP_H

#include <linux/bpf.h>

#include "client.h"
#include "load/carry.h"
#include "maps/layout.h"

struct move {
	struct carry *c;
	enum pinned_map map;
	int from, to; /* fds */
	struct bpf_map_info info; /* of the old map */
	struct bpf_map_info next; /* of the new map */
	struct layout old;
	struct layout new;
	/*
	 * Puts an entry, converted to the new layout, into the new map: 0, 1 if
	 * it is not wanted there, or -errno. In a per-CPU map, the value is an
	 * array with an element for each CPU.
	 */
	int (*put)(struct move *m, const void *key, void *value);
	bool take; /* delete each entry from the old map */
	/* a start that was killed may have put, and not deleted, an entry */
	bool again;
	unsigned long carried;
	unsigned long lost;
	int err; /* of the last lost entry */
};

/* Passes every entry to m->put. -ENOMEM. */
int move_all(struct move *m);

/*
 * Moves a table of bans, which is no map of keys and values; `infos` is its
 * second map. late: only the bans that sensors wrote after the carrying began.
 * -EINVAL: the maps are no such table.
 */
int move_bans(struct move *m, int infos, bool late);

/* Puts an entry unless the new map has one of that key. */
int put_entry(struct move *m, const void *key, void *value);

/* Puts the keys, and makes those that the version of before had not. */
int put_name_key(struct move *m, const void *key, void *value);

/* Of two states of a stream, keeps the one that has read further. */
int put_stream(struct move *m, const void *key, void *value);
int put_client(struct move *m, const void *key, void *value);
int put_counter(struct move *m, const void *key, void *value);

/* Adds to c what `next` counted, which came after all that c did. Pure. */
void client_merge(struct client *c, const struct client *next);

/* Has what `before` logged been merged into c already? Pure. */
bool client_has(const struct client *c, const struct client *before);

#endif

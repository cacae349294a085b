/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The entries of one map, from an older generation's into this one's. */
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
	struct bpf_map_info info; /* of the old one */
	struct bpf_map_info next; /* of the new one */
	struct layout old;
	struct layout new;
	/*
	 * Takes an entry in the new layout: 0, 1 if it is not wanted, or
	 * -errno. A per-CPU map's value is all CPUs'.
	 */
	int (*put)(struct move *m, const void *key, void *value);
	bool take; /* and the entry leaves the old map */
	unsigned long carried;
	unsigned long lost;
	int err; /* of the last that was */
};

/* Every entry through m->put. -ENOMEM. */
int move_all(struct move *m);

/*
 * The table of bans, of which `infos` is the second map; late: only what a
 * sensor has written since the carrying began. -EINVAL: it is none.
 */
int move_bans(struct move *m, int infos, bool late);

/* Puts the entry where there is none yet. */
int put_entry(struct move *m, const void *key, void *value);

/* Of two, the one that has read further. */
int put_stream(struct move *m, const void *key, void *value);
int put_client(struct move *m, const void *key, void *value);
int put_counter(struct move *m, const void *key, void *value);

/* Adds to c what `next` counted, which came after all that c did. Pure. */
void client_merge(struct client *c, const struct client *next);

#endif

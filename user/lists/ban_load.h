/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bans all that a file lists: plans first, so that a list for which there is no
 * room bans nobody, and then writes. The caller holds the writers' lock.
 */
#ifndef SMTPXDP_BAN_LOAD_H
#define SMTPXDP_BAN_LOAD_H

#include "lists/ban_file.h"
#include "lists/owners.h"

/* A network of the file that is to be banned. */
struct ban_planned {
	struct net net;
	uint32_t entry; /* of the file */
	bool there; /* a ban of it holds already */
};

struct nets_left_out {
	struct net *nets;
	size_t n, room;
};

struct ban_load {
	/* set by the caller */
	struct pins *p;
	const struct ban_file *file;
	uint64_t seconds; /* of lines that give no time */
	const char *reason; /* of lines that give none */
	/* who wants them: the list's owner_id(), or 0; of a file that is
	 * restored, as its lines say */
	__u32 owner;
	bool replace; /* what the owner wanted before is taken back */
	bool private; /* also special_nets.h */
	void (*progress)(const struct ban_load *l, bool end);

	struct clock_pair now;
	struct ban_planned *plan;
	size_t n;
	size_t kept; /* banned for as long already */
	struct ban_claims claims;
	struct owned gone; /* the owner's, and not in the file */
	size_t lifted; /* of these; others want the rest */
	struct nets_left_out special, refused;
	struct ban_room need, room;
	size_t next; /* of the plan, to be written */
	__u32 named; /* the owner whose name was put last */
	size_t done;
};

/*
 * Plans; *l is to be freed, also after an error. Leaves out networks that are
 * special; or that hold an address of this host or a gateway, or are
 * allowlisted: these are refused. With `replace`, what is gone makes room.
 * -ENOMEM, -errno; -E2BIG: l->need is more than l->room.
 */
int ban_load_plan(struct ban_load *l);

/* Writes what was planned; l->done and l->kept count the bans. */
int ban_load_write(struct ban_load *l);
void ban_load_free(struct ban_load *l);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which entries of the lists have changed since the last save, not how: the
 * save looks them up in the maps. Several threads may note and take.
 */
#ifndef SMTPXDP_CHANGES_H
#define SMTPXDP_CHANGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

/* More changes than this are noted as "everything". */
#define CHANGES_MAX 65536

enum change_kind { CHANGE_BAN, CHANGE_HISTORY, CHANGE_ALLOW };

struct changed {
	enum change_kind kind;
	struct net net;
};

struct change_list {
	struct changed *list; /* the caller of changes_take() frees it */
	size_t n;
	bool all; /* they were too many: every entry may have changed */
};

struct changes {
	pthread_mutex_t lock;
	pthread_cond_t noted; /* signalled by each note */
	struct change_list pending;
	size_t room;
};

void changes_init(struct changes *c);
void changes_free(struct changes *c);

/* Notes one entry, or everything. */
void changes_note(struct changes *c, enum change_kind kind,
		  const struct net *net);
void changes_note_all(struct changes *c);

/* Hands over the notes so far; the caller frees the list. */
struct change_list changes_take(struct changes *c);

#endif

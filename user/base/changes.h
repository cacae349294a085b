/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes which entries of bans, history and allowlist have changed since the
 * last save; state_keeper.c takes the notes and reads the entries itself.
 * Several threads may note and take.
 */
#ifndef SMTPXDP_CHANGES_H
#define SMTPXDP_CHANGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

/* more notes than this become "everything" */
#define CHANGES_MAX 65536

enum change_kind { CHANGE_BAN, CHANGE_HISTORY, CHANGE_ALLOW };

struct changed {
	enum change_kind kind;
	struct net net;
};

struct change_list {
	struct changed *list; /* the caller of changes_take() frees it */
	size_t n;
	bool all; /* everything may have changed; the list is not complete */
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

/* Takes all notes so far; none are left. */
struct change_list changes_take(struct changes *c);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/changes.h"

#include <stdlib.h>

void changes_init(struct changes *c)
{
	pthread_condattr_t attr;

	*c = (struct changes){};
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->noted, &attr);
	pthread_condattr_destroy(&attr);
}

void changes_free(struct changes *c)
{
	free(c->pending.list);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->noted);
	*c = (struct changes){};
}

/*
 * Makes room for one more entry. False, above CHANGES_MAX or without memory:
 * the caller notes "everything" then.
 */
static bool grow(struct changes *c)
{
	size_t room = c->room ? 2 * c->room : 16;
	struct changed *more;

	if (c->pending.n < c->room)
		return true;
	if (room > CHANGES_MAX)
		return false;
	more = reallocarray(c->pending.list, room, sizeof(*more));
	if (!more)
		return false;
	c->pending.list = more;
	c->room = room;
	return true;
}

void changes_note(struct changes *c, enum change_kind kind,
		  const struct net *net)
{
	pthread_mutex_lock(&c->lock);
	if (c->pending.all || !grow(c))
		c->pending.all = true;
	else
		c->pending.list[c->pending.n++] =
			(struct changed){ .kind = kind, .net = *net };
	pthread_cond_signal(&c->noted);
	pthread_mutex_unlock(&c->lock);
}

void changes_note_all(struct changes *c)
{
	pthread_mutex_lock(&c->lock);
	c->pending.all = true;
	pthread_cond_signal(&c->noted);
	pthread_mutex_unlock(&c->lock);
}

struct change_list changes_take(struct changes *c)
{
	struct change_list taken;

	pthread_mutex_lock(&c->lock);
	taken = c->pending;
	c->pending = (struct change_list){};
	c->room = 0;
	pthread_mutex_unlock(&c->lock);
	return taken;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/changes.h"

#include <stdlib.h>

#include "base/array.h"

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

void changes_note(struct changes *c, enum change_kind kind,
		  const struct net *net)
{
	struct change_list *l = &c->pending;

	pthread_mutex_lock(&c->lock);
	/* Without memory, the next save has to look at everything. */
	if (l->n == CHANGES_MAX ||
	    array_grow(&l->list, &c->room, l->n + 1, sizeof(*l->list)))
		l->all = true;
	if (!l->all)
		l->list[l->n++] = (struct changed){ .kind = kind, .net = *net };
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/names_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "lists/allow_names.h"
#include "sys/lookup.h"
#include "tell/journal.h"

static void forget(struct name_lookup *l)
{
	if (l->io) {
		sd_event_source_disable_unref(l->io);
		close(l->fd);
	}
	*l = (struct name_lookup){ .watch = l->watch };
}

/* A command that holds the lock is not waited for: the next second will do. */
static void deliver(struct name_lookup *l)
{
	struct pins *p = l->watch->pins;
	int lock = pins_try_lock_writer(p->dir), err;
	struct clock_pair now;

	if (lock < 0)
		return;
	err = clock_read(p->prog[PROG_CLOCK], &now);
	if (!err)
		err = allow_names_answer(p, &l->name, &l->answer, now.boot_ns);
	pins_unlock(lock);
	if (err)
		journal_note(MESSAGE_FAULT,
			     "cannot allowlist the addresses of %s: %s",
			     l->name.text, strerror(-err));
	forget(l);
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	struct name_lookup *l = ctx;

	lookup_finish(fd, &l->answer);
	l->io = sd_event_source_disable_unref(l->io);
	close(fd);
	deliver(l);
	return 0;
}

static struct name_lookup *find(struct names_watch *w, const char *name)
{
	for (int i = 0; i < ALLOW_NAMES_MAX; i++)
		if (!strcmp(w->lookup[i].name.text, name))
			return &w->lookup[i];
	return NULL;
}

static void start(struct names_watch *w, const struct host_name *name)
{
	struct name_lookup *l = find(w, "");
	int err;

	if (!l)
		return; /* names that were taken from the key are looked up */
	l->name = *name;
	l->fd = lookup_start(name);
	err = l->fd < 0 ? l->fd :
			  sd_event_add_io(w->event, &l->io, l->fd, EPOLLIN,
					  on_answer, l);
	if (err >= 0)
		return;
	if (l->fd >= 0)
		close(l->fd);
	for (int v6 = 0; v6 < 2; v6++)
		l->answer.family[v6].fault = DNS_NO_CHILD;
	deliver(l);
}

void names_watch(struct names_watch *w)
{
	struct allow_name_row *rows = calloc(ALLOW_NAMES_MAX, sizeof(*rows));
	size_t n = rows ? allow_names_read(w->pins, rows) : 0;
	struct clock_pair now;

	for (int i = 0; i < ALLOW_NAMES_MAX; i++)
		if (*w->lookup[i].name.text && !w->lookup[i].io)
			deliver(&w->lookup[i]);
	if (n && clock_read(w->pins->prog[PROG_CLOCK], &now))
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (rows[i].entry.next <= now.boot_ns &&
		    !find(w, rows[i].name.text))
			start(w, &rows[i].name);
	free(rows);
}

void names_watch_start(struct names_watch *w, sd_event *e, struct pins *p)
{
	*w = (struct names_watch){ .pins = p, .event = e };
	for (int i = 0; i < ALLOW_NAMES_MAX; i++)
		w->lookup[i].watch = w;
}

void names_watch_free(struct names_watch *w)
{
	for (int i = 0; i < ALLOW_NAMES_MAX; i++)
		forget(&w->lookup[i]);
}

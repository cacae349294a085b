// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/groups_watch.h"

#include <stdlib.h>

#include "lists/groups_plan.h"
#include "lists/groups_sources.h"
#include "maps/groups_map.h"
#include "maps/settings_map.h"

static int learn_config(struct pins *p, struct groups_watch *w)
{
	uint32_t now = __atomic_load_n(&p->slots->changes, __ATOMIC_ACQUIRE);
	struct config c;

	if (w->known && now == w->changes)
		return 0;
	if (config_init(&c))
		return -1;
	if (settings_load(p, &c)) {
		config_free(&c);
		return -1;
	}
	config_free(&w->c);
	w->c = c;
	w->changes = now;
	w->known = true;
	return 0;
}

/* Errors are ignored here: groups_apply() has told of a broken database. */
static void open_geo(struct groups_watch *w, uint64_t fingerprint)
{
	char why[GROUPS_PROBLEM_SIZE];
	struct geo *geo;

	if (fingerprint == w->opened)
		return;
	if (!geo_open_configured(&geo, &w->c, why, sizeof(why))) {
		geo_close(w->geo);
		w->geo = geo;
	}
	w->opened = fingerprint;
}

static bool in_force(const struct pins *p, uint64_t fingerprint)
{
	struct groups *g = groups_in_force(p);
	bool is = g && g->fingerprint == fingerprint;

	free(g);
	return is;
}

void groups_watch(struct pins *p, struct groups_watch *w)
{
	uint64_t now;
	int lock;

	if (learn_config(p, w))
		return;
	now = groups_fingerprint(&w->c);
	if (now == w->opened)
		return;
	/* A file that has just changed may still be being written. */
	if (w->opened && now != w->seen) {
		w->seen = now;
		return;
	}
	if (!in_force(p, now)) {
		lock = pins_try_lock_writer(p->dir);
		if (lock < 0)
			return; /* a command writes: the next call will do */
		groups_apply(p, &w->c, false);
		pins_unlock(lock);
	}
	open_geo(w, now);
}

void groups_watch_free(struct groups_watch *w)
{
	geo_close(w->geo);
	config_free(&w->c);
	*w = (struct groups_watch){};
}

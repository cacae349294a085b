// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A plan is put in force. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "maps/groups_map.h"
#include "lists/groups_plan.h"
#include "tell/journal.h"
#include "base/output.h"
#include "maps/settings_map.h"

#define PATIENCE_USEC 1000000

/* A file of a million takes a few seconds: people see that something is done.
 */
static void show_progress(size_t done, void *ctx)
{
	const struct groups_plan *g = ctx;
	bool end = done == g->list.n;

	if (!output.json && isatty(STDERR_FILENO) &&
	    clock_monotonic_usec() - g->started >= PATIENCE_USEC)
		fprintf(stderr, "\r%zu of %zu networks%s", done, g->list.n,
			end ? "\n" : "");
}

/* Into the map that is not in use; then that is the one that is. */
static int swap(struct pins *p, struct groups_plan *g, __u32 before)
{
	__u32 next = before == 1 ? 2 : 1;
	int fd = groups_map_fd(p, next);
	int err = groups_map_clear(fd); /* somebody may have been killed */

	if (!err)
		err = groups_map_fill(fd, &g->list, show_progress, g);
	if (err) {
		groups_map_clear(fd);
		return err;
	}
	g->groups->active = g->list.n ? next : 0;
	settings_set_groups(p, g->groups->active);
	return groups_map_write(p, g->groups);
}

int groups_put(struct pins *p, struct groups_plan *g)
{
	__u32 before = groups_map_active(p);
	int err;

	if (!g->changed) {
		settings_set_groups(p, before);
		return 0;
	}
	err = swap(p, g, before);
	if (!err && before)
		groups_map_clear(groups_map_fd(p, before));
	return err;
}

static void note(const char *text, void *ctx)
{
	journal_note(
		MESSAGE_GROUPS_KEPT,
		"groups of networks: %s; what it had before stays in force",
		text);
}

static void tell(const struct groups_plan *g)
{
	uint64_t msec = (clock_monotonic_usec() - g->started) / 1000;

	if (g->changed && g->groups->n)
		journal_note(
			MESSAGE_GROUPS,
			"groups of networks: %zu networks from %u source%s "
			"in force; reading took %llu.%03llu s",
			g->list.n, g->groups->n, g->groups->n == 1 ? "" : "s",
			(unsigned long long)msec / 1000,
			(unsigned long long)msec % 1000);
}

void groups_apply(struct pins *p, const struct config *c, bool eager)
{
	struct groups_plan g = { .problem = note };
	int err = groups_read(&g, p, c, eager);

	if (!err)
		err = groups_put(p, &g);
	if (err)
		journal_note(MESSAGE_GROUPS_KEPT,
			     "groups of networks: %s; those before stay in "
			     "force",
			     strerror(-err));
	else
		tell(&g);
	groups_free(&g);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The groups of networks: read from the files and databases that the
 * configuration names, and put into the map that the programs look at. A source
 * that cannot be read keeps the networks that it had.
 */
#ifndef SMTPXDP_GROUPS_PLAN_H
#define SMTPXDP_GROUPS_PLAN_H

#include "config/config.h"
#include "lists/group_list.h"

#define GROUPS_PROBLEM_SIZE (PATH_MAX + CONFIG_ERROR_SIZE)

/* Groups that were read, and are not in force yet. */
struct groups_plan {
	struct groups *groups; /* the sources */
	struct group_list list;
	bool changed; /* false: the same is in force already */
	/* Called with each fault, its file, line and remedy; or NULL. */
	void (*problem)(const char *text, void *ctx);
	void *ctx;
	size_t problems;
	uint64_t started; /* usec */
};

/*
 * Reads the groups if their keys or files have changed since they were put in
 * force; if `eager`, also if a source could not be read then. -errno; free the
 * plan either way.
 */
int groups_read(struct groups_plan *g, const struct pins *p,
		const struct config *c, bool eager);

/* Has a source failed that has no networks from before, which it could keep? */
bool groups_lack(const struct groups_plan *g);

/* Puts the plan in force in one stroke. The caller holds the writers' lock.
 * -ENOSPC, -errno. */
int groups_put(struct pins *p, struct groups_plan *g);
void groups_free(struct groups_plan *g);

/* Reads, puts in force and frees; tells the journal of the outcome. */
void groups_apply(struct pins *p, const struct config *c, bool eager);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The groups of networks: from what the configuration names, files and
 * databases, into the map that programs look at. A source that cannot be read
 * keeps what it had.
 */
#ifndef SMTPXDP_GROUPS_PLAN_H
#define SMTPXDP_GROUPS_PLAN_H

#include "config/config.h"
#include "lists/group_list.h"
#include "maps/pins.h"

#define GROUPS_PROBLEM_SIZE (PATH_MAX + CONFIG_ERROR_SIZE)

/* What was read, not in force yet. */
struct groups_plan {
	struct groups *groups; /* its sources */
	struct group_list list;
	bool changed; /* else all of it is in force already */
	/* Each thing that is wrong, with file, line and remedy; or NULL. */
	void (*problem)(const char *text, void *ctx);
	void *ctx;
	size_t problems;
	uint64_t started; /* usec */
};

/* Does the key say who is in a group, or where an address is? */
bool config_is_of_groups(enum config_key key);

/* Of the keys, and of files as they are now. */
uint64_t groups_fingerprint(const struct config *c);

/*
 * Reads what has changed since it was put in force; if `eager`, also when
 * something could not be read then. -errno; free the plan either way.
 */
int groups_read(struct groups_plan *g, const struct pins *p,
		const struct config *c, bool eager);

/* Is there nothing before that what could not be read might keep? */
bool groups_lack(const struct groups_plan *g);

/* In one stroke. The caller holds the writers' lock. -ENOSPC, -errno. */
int groups_put(struct pins *p, struct groups_plan *g);
void groups_free(struct groups_plan *g);

/* All three, by the daemon: says in the journal what came of it. */
void groups_apply(struct pins *p, const struct config *c, bool eager);

/* What is in force; to be freed, or NULL. */
struct groups *groups_in_force(const struct pins *p);

/* The entry of an address; false if it is in no group. */
bool groups_find(const struct pins *p, const struct addr *a,
		 struct group_entry *e);

/* Its policy, if it is in a group; else POLICY_PLAIN. */
enum policy_kind groups_policy(const struct pins *p, const struct addr *a);

extern const char *const group_names[GROUPS_MAX]; /* "none", "strict", ... */
const char *group_source_kind_name(uint8_t kind);

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health_hooks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "show/health_users.h"
#include "show/self_test.h"
#include "sys/attach.h"
#include "sys/netinfo.h"
#include "sys/xdp_holder.h"

#define LOCK_STEP_MSEC 5

/* What the checks find out of the pinned programs and maps. */
struct seen {
	__u32 prog_id[PROGS_MAX]; /* 0: not pinned */
	__u32 map_id[MAPS_MAX];
	bool attached[PROGS_MAX]; /* to some interface */
	bool sound[PROGS_MAX]; /* attached, and the self-test finds no fault */
};

/* The gate and the sensor have variants with and without Ethernet headers. */
static const struct hook {
	enum health_check attach, test; /* what a fault is filed under */
	const char *name;
	const char *missing;
	__u32 (*attached)(const char *dir, const struct daemon_iface *iface);
	enum pinned_prog first, last;
	int (*self_test)(struct pins *p, enum pinned_prog prog, char *why,
			 size_t size);
	__u64 maps; /* its programs share these with commands; bits */
} hooks[] = {
	{ HEALTH_XDP, HEALTH_GATE, "the gate (XDP)",
	  "is not attached: nobody is dropped here", attached_xdp,
	  PROG_DROP_ETHERNET, PROG_DROP_RAW, self_test_gate,
	  1ULL << MAP_SETTINGS | 1ULL << MAP_BANS | 1ULL << MAP_BAN_NETS |
		  1ULL << MAP_ALLOW_NETS | 1ULL << MAP_COUNTERS },
	{ HEALTH_TC, HEALTH_SENSOR, "the sensor (tc)",
	  "is not attached: no reply in the clear is read here", attached_tc,
	  PROG_DETECT_ETHERNET, PROG_DETECT_RAW, self_test_sensor,
	  1ULL << MAP_SETTINGS | 1ULL << MAP_CLIENTS | 1ULL << MAP_BANS |
		  1ULL << MAP_ALLOW_NETS | 1ULL << MAP_STREAMS |
		  1ULL << MAP_EVENTS | 1ULL << MAP_COUNTERS |
		  1ULL << MAP_DIALOGUES },
	{ HEALTH_TC, HEALTH_SENSOR, "the sensor of users (tc ingress)",
	  "is not attached: who is tried is not read here", attached_tc_in,
	  PROG_LISTEN, PROG_LISTEN, self_test_listen,
	  1ULL << MAP_SETTINGS | 1ULL << MAP_STREAMS | 1ULL << MAP_DIALOGUES |
		  1ULL << MAP_NAME_KEY },
};

#define HOOKS (sizeof(hooks) / sizeof(*hooks))

static void no_such_interface(struct checkup *c,
			      const struct daemon_iface *iface)
{
	problem(c, HEALTH_XDP, iface->name,
		"there is no such interface: nothing is attached to it",
		"it is attached when it appears; or take it out of the key "
		"interfaces");
}

/*
 * Reports a missing program, and which one is there instead if the kernel
 * tells.
 */
static void not_attached(struct checkup *c, const struct hook *h,
			 const struct daemon_iface *iface, __u32 id)
{
	struct xdp_holder other;
	char text[PROBLEM_SIZE];
	bool asked = !id && h->attach == HEALTH_XDP &&
		     c->info->netns == netns_inode();
	bool there = asked && xdp_holder_find(iface, &other);
	bool foreign = there || (asked && xdp_holder_find_above(iface, &other));

	if (there)
		snprintf(text, sizeof(text),
			 "%s is not attached: another program is there, %s",
			 h->name, other.who);
	else if (foreign)
		snprintf(text, sizeof(text),
			 "%s is not attached: on %s, which lies on it, is "
			 "another program, %s",
			 h->name, other.on, other.who);
	else
		snprintf(text, sizeof(text), "%s %s", h->name,
			 id ? "is another program than the one that is pinned" :
			      h->missing);
	problem(c, h->attach, iface->name, text,
		foreign ? other.remedy : RESTART_DAEMON);
}

static bool is_refused(const struct daemon_info *info, const char *prog)
{
	for (__u32 i = 0; i < info->n_refused && i < DAEMON_REFUSED_MAX; i++)
		if (!strcmp(info->refused[i].prog, prog))
			return true;
	return false;
}

static void check_hook(struct checkup *c, struct seen *seen,
		       const struct hook *h, const struct daemon_iface *iface)
{
	__u32 id = h->attached(c->p->dir, iface);

	/* The kernel lists filters of this process's network namespace only. */
	if (h->attach == HEALTH_TC && iface->flags & IFACE_CLSACT &&
	    c->info->netns != netns_inode())
		return;
	if (h->first == PROG_LISTEN && iface->flags & IFACE_FED)
		return;
	for (int i = h->first; id && i <= (int)h->last; i++) {
		if (seen->prog_id[i] == id) {
			seen->attached[i] = true;
			return;
		}
	}
	if (!is_refused(
		    c->info,
		    prog_names[iface->flags & IFACE_RAW ? h->last : h->first]))
		not_attached(c, h, iface, id);
}

static void check_attached(struct checkup *c, struct seen *seen)
{
	for (__u32 i = 0; i < c->info->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		const struct daemon_iface *iface = &c->info->ifaces[i];

		if (!iface->ifindex)
			no_such_interface(c, iface);
		for (size_t h = 0; h < HOOKS && iface->ifindex; h++)
			check_hook(c, seen, &hooks[h], iface);
	}
}

static void learn_ids(const struct pins *p, struct seen *seen)
{
	for (int i = 0; i < PROGS_MAX; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(p->prog[i], &info, &len))
			seen->prog_id[i] = info.id;
	}
	for (int i = 0; i < MAPS_MAX; i++) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(p->map[i], &info, &len))
			seen->map_id[i] = info.id;
	}
}

/* Returns the pinned maps that a program uses, as bits. */
static __u64 maps_used(const struct pins *p, const struct seen *seen,
		       enum pinned_prog prog)
{
	__u32 ids[64], len = sizeof(struct bpf_prog_info);
	__u64 used = 0;
	struct bpf_prog_info info = {
		.map_ids = (__u64)(unsigned long)ids,
		.nr_map_ids = sizeof(ids) / sizeof(*ids),
	};

	if (bpf_obj_get_info_by_fd(p->prog[prog], &info, &len))
		return 0;
	for (__u32 i = 0; i < info.nr_map_ids; i++)
		for (int m = 0; m < MAPS_MAX; m++)
			if (ids[i] == seen->map_id[m])
				used |= 1ULL << m;
	return used;
}

/*
 * Reports `foreign`: bits of the pinned maps that the hook's programs ought to
 * use and do not. True: there are none.
 */
static bool check_maps(struct checkup *c, const struct hook *h, __u64 foreign)
{
	char object[64], text[PROBLEM_SIZE];

	for (int m = 0; m < MAPS_MAX; m++) {
		if (!(foreign & 1ULL << m))
			continue;
		snprintf(object, sizeof(object), "map %s", map_names[m]);
		snprintf(text, sizeof(text),
			 "%s works on another one than the one that is pinned, "
			 "which the commands and the daemon look at",
			 h->name);
		problem(c, HEALTH_MAPS, object, text, RESTART_DAEMON);
	}
	return !foreign;
}

static void check_program(struct checkup *c, struct seen *seen,
			  const struct hook *h, enum pinned_prog prog,
			  bool locked)
{
	char why[PROBLEM_SIZE];
	__u64 foreign = h->maps & ~maps_used(c->p, seen, prog);
	int err;

	if (!seen->attached[prog] || !check_maps(c, h, foreign) || !locked)
		return;
	err = h->self_test(c->p, prog, why, sizeof(why));
	seen->sound[prog] = !err;
	if (err == -E2BIG)
		problem(c, HEALTH_ROOM, "bans",
			"the ban list is full: whoever fails next is "
			"NOT banned",
			"raise max-bans and restart the daemon, or shorten "
			"ban-time");
	else if (err)
		problem(c, h->test, prog_names[prog], why, RESTART_DAEMON);
}

static int lock_patiently(const char *dir, unsigned int patience)
{
	int lock = pins_try_lock_writer(dir);

	for (unsigned int t = 0; lock < 0 && t < patience;
	     t += LOCK_STEP_MSEC) {
		usleep(LOCK_STEP_MSEC * 1000);
		lock = pins_try_lock_writer(dir);
	}
	return lock;
}

static void check_programs(struct checkup *c, struct seen *seen)
{
	int lock = lock_patiently(c->p->dir, c->patience);
	bool locked = lock >= 0;

	/* A caller without patience asks again soon. */
	if (!locked && c->patience)
		problem(c, HEALTH_GATE, "self-test",
			"it cannot be run: another command has held the "
			"lock for seconds",
			"wait for it, or end it");
	for (size_t h = 0; h < HOOKS; h++)
		for (int i = hooks[h].first; i <= (int)hooks[h].last; i++)
			check_program(c, seen, &hooks[h], i, locked);
	health_users(c, !locked ? "another command holds the lock" :
			!seen->sound[PROG_LISTEN] ?
				  "the sensor of users is not in order" :
				  NULL);
	pins_unlock(lock);
}

void health_hooks(struct checkup *c)
{
	struct seen seen = {};

	learn_ids(c->p, &seen);
	check_attached(c, &seen);
	check_programs(c, &seen);
}

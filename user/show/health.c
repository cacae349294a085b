// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/attach.h"
#include "config/config.h"
#include "base/clock.h"
#include "lists/cut.h"
#include "base/escape.h"
#include "lists/fuse_watch.h"
#include "show/health_users.h"
#include "sys/netinfo.h"
#include "load/refusal.h"
#include "load/programs.h"
#include "show/self_test.h"
#include "maps/settings_map.h"
#include "sys/xdp_holder.h"

#define TEXT 256
#define LOCK_STEP_MSEC 5
#define RESTART "restart the daemon"

const char *const health_names[HEALTH_MAX] = {
#define X(id, name) [HEALTH_##id] = name,
	HEALTH_CHECKS(X)
#undef X
};

struct checkup {
	struct pins *p;
	const struct daemon_info *info;
	enum daemon_state state;
	bool attached[PROGS_MAX]; /* somewhere */
	bool sound[PROGS_MAX]; /* that, and the self-test finds no fault */
	__u32 prog_id[PROGS_MAX]; /* of the pinned ones; 0: there is none */
	__u32 map_id[MAPS_MAX];
	const json_t *interfaces;
	json_t *problems;
};

static void wrong(json_t *problems, enum health_check check, const char *object,
		  const char *problem, const char *remedy)
{
	char name[ESCAPED_SIZE(64)]; /* of an interface: any bytes */

	printable(object, strnlen(object, 64), name, sizeof(name));
	json_array_append_new(problems,
			      json_pack("{s:s, s:s, s:s, s:s}", "check",
					health_names[check], "object", name,
					"problem", problem, "remedy", remedy));
}

/* --- the daemon */

static void check_daemon(struct checkup *c)
{
	char object[32];

	snprintf(object, sizeof(object), "daemon, pid %u", c->info->pid);
	if (c->state == DAEMON_DEAD)
		wrong(c->problems, HEALTH_DAEMON, "daemon",
		      "it does not run: bans hold and end on time; new ones "
		      "are provisional only, nothing inside TLS is read, and "
		      "the journal hears of nothing",
		      "start it (smtpxdp run)");
	else if (c->state == DAEMON_STARTING)
		wrong(c->problems, HEALTH_DAEMON, object,
		      "it is still starting", "wait for it");
	else if (c->state == DAEMON_HUNG)
		wrong(c->problems, HEALTH_DAEMON, object,
		      "it holds its lock, but has not moved for 10 seconds and "
		      "more: stopped, or hung",
		      RESTART " (kill -CONT, if somebody has stopped it)");
}

/* --- what the kernel has refused to load */

static bool is_refused(const struct daemon_info *info, const char *prog)
{
	for (__u32 i = 0; i < info->n_refused && i < DAEMON_REFUSED_MAX; i++)
		if (!strcmp(info->refused[i].prog, prog))
			return true;
	return false;
}

static void check_refused(struct checkup *c)
{
	__u32 wanted = programs_wanted(settings_now(c->p));

	for (__u32 i = 0; i < c->info->n_refused && i < DAEMON_REFUSED_MAX;
	     i++) {
		const struct daemon_refused *r = &c->info->refused[i];
		bool lockdown = refusal_by_lockdown(r->prog);
		char text[TEXT * 2];

		if (!program_is_missed(c->info, wanted, r->prog))
			continue;
		snprintf(text, sizeof(text),
			 "the kernel refuses this program (%s): %s",
			 lockdown ? "it is locked down for confidentiality" :
				    r->why,
			 program_lost(r->prog));
		wrong(c->problems, HEALTH_PROGRAMS, r->prog, text,
		      lockdown ? "boot with lockdown=integrity, or set tls to "
				 "off" :
				 "report what the journal says of it "
				 "(SMTPXDP_EVENT=refused), or boot another "
				 "kernel");
	}
}

/* --- what is attached: by the kernel's word */

/* The gate and the sensor, each in a variant with and without Ethernet. */
static const struct hook {
	enum health_check attach, test;
	const char *name;
	const char *missing;
	__u32 (*attached)(const char *dir, const struct daemon_iface *iface);
	enum pinned_prog first, last;
	int (*self_test)(struct pins *p, enum pinned_prog prog, char *why,
			 size_t size);
	__u32 maps; /* that its programs share with the commands, as bits */
} hooks[] = {
	{ HEALTH_XDP, HEALTH_GATE, "the gate (XDP)",
	  "is not attached: nobody is dropped here", attached_xdp,
	  PROG_DROP_ETHERNET, PROG_DROP_RAW, self_test_gate,
	  1 << MAP_SETTINGS | 1 << MAP_BANS | 1 << MAP_BAN_NETS |
		  1 << MAP_ALLOW_NETS | 1 << MAP_COUNTERS },
	{ HEALTH_TC, HEALTH_SENSOR, "the sensor (tc)",
	  "is not attached: no reply in the clear is read here", attached_tc,
	  PROG_DETECT_ETHERNET, PROG_DETECT_RAW, self_test_sensor,
	  1 << MAP_SETTINGS | 1 << MAP_CLIENTS | 1 << MAP_BANS |
		  1 << MAP_ALLOW_NETS | 1 << MAP_STREAMS | 1 << MAP_EVENTS |
		  1 << MAP_COUNTERS | 1 << MAP_DIALOGUES },
	{ HEALTH_TC, HEALTH_SENSOR, "the sensor of users (tc ingress)",
	  "is not attached: who is tried is not read here", attached_tc_in,
	  PROG_LISTEN, PROG_LISTEN, self_test_listen,
	  1 << MAP_SETTINGS | 1 << MAP_STREAMS | 1 << MAP_DIALOGUES |
		  1 << MAP_NAME_KEY },
};

#define HOOKS (sizeof(hooks) / sizeof(*hooks))

/* Not there yet, or any more. */
static void check_waiting(struct checkup *c, const struct daemon_iface *iface)
{
	wrong(c->problems, HEALTH_XDP, iface->name,
	      "there is no such interface: nothing is attached to it",
	      "it is attached when it appears; or take it out of the key "
	      "interfaces");
}

/* What is there instead, where that can be told. */
static void not_attached(struct checkup *c, const struct hook *h,
			 const struct daemon_iface *iface, __u32 id)
{
	struct xdp_holder other;
	char text[TEXT];
	bool foreign = !id && h->attach == HEALTH_XDP &&
		       c->info->netns == netns_inode() &&
		       xdp_holder_find(iface, &other);

	if (foreign)
		snprintf(text, sizeof(text),
			 "%s is not attached: another program is there, %s",
			 h->name, other.who);
	else
		snprintf(text, sizeof(text), "%s %s", h->name,
			 id ? "is another program than the one that is pinned" :
			      h->missing);
	wrong(c->problems, h->attach, iface->name, text,
	      foreign ? other.remedy : RESTART);
}

static void check_hook(struct checkup *c, const struct hook *h,
		       const struct daemon_iface *iface)
{
	__u32 id = h->attached(c->p->dir, iface);

	/* A filter can be asked for in the daemon's own namespace only. */
	if (h->attach == HEALTH_TC && iface->flags & IFACE_CLSACT &&
	    c->info->netns != netns_inode())
		return;
	for (int i = h->first; id && i <= (int)h->last; i++) {
		if (c->prog_id[i] == id) {
			c->attached[i] = true;
			return;
		}
	}
	if (!is_refused(
		    c->info,
		    prog_names[iface->flags & IFACE_RAW ? h->last : h->first]))
		not_attached(c, h, iface, id);
}

static bool is_known(const struct daemon_info *info, const char *name)
{
	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		if (!strcmp(info->ifaces[i].name, name))
			return true;
	return false;
}

/* Those that the configuration names, and the daemon did not take up. */
static void check_configured(struct checkup *c, const struct config *config)
{
	char **names = config_items(config, KEY_INTERFACES);

	for (int i = 0; names && names[i]; i++)
		if (!is_known(c->info, names[i]))
			wrong(c->problems, HEALTH_XDP, names[i],
			      "the configuration names it, and nothing is "
			      "attached to it",
			      RESTART);
	config_items_free(names);
	if (!c->info->n_ifaces)
		wrong(c->problems, HEALTH_XDP, "interfaces",
		      "nothing is attached to any: nobody is dropped",
		      c->state == DAEMON_DEAD ?
			      "start the daemon (smtpxdp run)" :
			      "there is no default route that says which: set "
			      "the key interfaces, or wait for one");
}

static void check_attached(struct checkup *c)
{
	for (__u32 i = 0; i < c->info->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		const struct daemon_iface *iface = &c->info->ifaces[i];

		if (!iface->ifindex)
			check_waiting(c, iface);
		for (size_t h = 0; h < HOOKS && iface->ifindex; h++)
			check_hook(c, &hooks[h], iface);
	}
}

/* --- the programs that are attached, and their maps */

static void learn_ids(struct checkup *c)
{
	for (int i = 0; i < PROGS_MAX; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(c->p->prog[i], &info, &len))
			c->prog_id[i] = info.id;
	}
	for (int i = 0; i < MAPS_MAX; i++) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(c->p->map[i], &info, &len))
			c->map_id[i] = info.id;
	}
}

/* Which of the pinned maps a program uses, as bits. */
static __u32 maps_used(const struct checkup *c, enum pinned_prog prog)
{
	__u32 ids[64], used = 0, len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {
		.map_ids = (__u64)(unsigned long)ids,
		.nr_map_ids = sizeof(ids) / sizeof(*ids),
	};

	if (bpf_obj_get_info_by_fd(c->p->prog[prog], &info, &len))
		return 0;
	for (__u32 i = 0; i < info.nr_map_ids; i++)
		for (int m = 0; m < MAPS_MAX; m++)
			if (ids[i] == c->map_id[m])
				used |= 1 << m;
	return used;
}

static bool check_maps(struct checkup *c, const struct hook *h, __u32 foreign)
{
	char object[64], text[TEXT];

	for (int m = 0; m < MAPS_MAX; m++) {
		if (!(foreign & 1 << m))
			continue;
		snprintf(object, sizeof(object), "map %s", map_names[m]);
		snprintf(text, sizeof(text),
			 "%s works on another one than the one that is pinned, "
			 "which the commands and the daemon look at",
			 h->name);
		wrong(c->problems, HEALTH_MAPS, object, text, RESTART);
	}
	return !foreign;
}

static void check_program(struct checkup *c, const struct hook *h,
			  enum pinned_prog prog, bool locked)
{
	char why[TEXT];
	int err;

	if (!c->attached[prog] ||
	    !check_maps(c, h, h->maps & ~maps_used(c, prog)) || !locked)
		return;
	err = h->self_test(c->p, prog, why, sizeof(why));
	c->sound[prog] = !err;
	if (err == -E2BIG)
		wrong(c->problems, HEALTH_ROOM, "bans",
		      "the ban list is full: whoever fails next is NOT banned",
		      "raise max-bans and restart the daemon, or shorten "
		      "ban-time");
	else if (err)
		wrong(c->problems, h->test, prog_names[prog], why, RESTART);
}

static void check_users(struct checkup *c, const char *name, enum heard heard,
			const json_t *shown)
{
	char text[2 * TEXT] = "who is tried in the clear is not read here: "
			      "attack-users, stale-rate and log-users do "
			      "nothing";
	const char *why =
		json_string_value(json_object_get(shown, "users_why"));

	if (heard == UNHEARD)
		wrong(c->problems, HEALTH_SENSOR, name, text,
		      RESTART "; if that does not help, report it with the "
			      "kernel's version and the device's kind");
	if (heard != HEARD_TWICE)
		return;
	snprintf(text, sizeof(text),
		 "who is tried in the clear is not read here: %s", why);
	wrong(c->problems, HEALTH_SENSOR, name, text, "watch one of them");
}

/* Through the devices themselves: the programs alone may be in order. */
static void check_devices(struct checkup *c, bool locked)
{
	const char *reason = !locked ? "another command holds the lock" :
			     !c->sound[PROG_LISTEN] ?
				       "the sensor of users is not in order" :
				       NULL;
	json_t *shown;
	size_t i;

	json_array_foreach(c->interfaces, i, shown)
		check_users(c, c->info->ifaces[i].name,
			    health_users(c->p, c->info, i, reason, shown),
			    shown);
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

static void check_programs(struct checkup *c, unsigned int patience)
{
	int lock = lock_patiently(c->p->dir, patience);

	/* Who has no patience asks again soon. */
	if (lock < 0 && patience)
		wrong(c->problems, HEALTH_GATE, "self-test",
		      "it cannot be run: another command has held the lock for "
		      "seconds",
		      "wait for it, or end it");
	for (size_t h = 0; h < HOOKS; h++)
		for (int i = hooks[h].first; i <= (int)hooks[h].last; i++)
			check_program(c, &hooks[h], i, lock >= 0);
	check_devices(c, lock >= 0);
	pins_unlock(lock);
}

/* --- inside TLS */

/* `tls` as in the status: what is collected there is not asked for again. */
static void check_blind(struct checkup *c, const json_t *tls)
{
	char object[32], text[TEXT];
	const json_t *proc;
	const char *name;
	json_int_t pid;
	size_t i;
	int port;

	json_array_foreach(json_object_get(tls, "blind"), i, proc) {
		if (json_unpack((json_t *)proc, "{s:i, s:I, s:s}", "port",
				&port, "pid", &pid, "name", &name))
			continue;
		snprintf(object, sizeof(object), "port %d", port);
		snprintf(text, sizeof(text),
			 "pid %lld (%s) writes TLS by a library that is not "
			 "known: what it replies is not read",
			 (long long)pid, name);
		wrong(c->problems, HEALTH_TLS, object, text,
		      "name the library with tls-libraries");
	}
}

/* Then check_refused() has told of it. */
static bool tls_is_refused(const struct daemon_info *info)
{
	for (__u32 i = 0; i < info->n_refused && i < DAEMON_REFUSED_MAX; i++)
		if (PART_BIT(program_part(info->refused[i].prog)) & PARTS_TLS)
			return true;
	return false;
}

static void check_tls(struct checkup *c, const struct config *config,
		      const json_t *tls)
{
	char text[TEXT];

	if (c->state != DAEMON_SERVES || config_tls(config) == CONFIG_TLS_OFF)
		return;
	if (!c->info->tls_running && !tls_is_refused(c->info))
		wrong(c->problems, HEALTH_TLS, "tls",
		      "nothing inside TLS is read: the journal says why",
		      "set tls to off, if it is to be so, and " RESTART);
	if (c->info->tls_error) {
		snprintf(text, sizeof(text),
			 "a TLS library cannot be probed (%s): what servers "
			 "write by it is not read",
			 strerror(c->info->tls_error));
		wrong(c->problems, HEALTH_TLS, "tls", text,
		      c->info->tls_perf ?
			      "before Linux 6.6 that takes CAP_SYS_ADMIN: give "
			      "it to the unit, and " RESTART :
			      "see the journal for the library");
	}
	check_blind(c, tls);
}

/* --- what is open when the ban comes */

static void check_cut(struct checkup *c)
{
	char text[TEXT];
	int err = settings_now(c->p)->cut_sessions ? cut_probe() : 0;

	if (!err)
		return;
	snprintf(text, sizeof(text),
		 "open connections of banned clients cannot be cut: %s",
		 cut_strerror(err));
	wrong(c->problems, HEALTH_CUT, "cut-sessions", text,
	      "if it is to be so, set cut-sessions to no");
}

static void check_fuse(struct checkup *c)
{
	struct clock_pair now;

	if (!clock_read(c->p->prog[PROG_CLOCK], &now) &&
	    fuse_is_blown(c->p, now.jiffies))
		wrong(c->problems, HEALTH_FUSE, "fuse",
		      "it has blown: clients that used to log in fail; nobody "
		      "is banned until logins succeed again",
		      "look after the mail server's password database");
}

/* What the daemon found when it last wrote; nobody writes for a dead one. */
static void check_state(struct checkup *c)
{
	if (c->state == DAEMON_SERVES && !activity_is_saved(c->p))
		wrong(c->problems, HEALTH_STATE, c->info->state_dir,
		      "bans hold, but are not saved: a reboot would end them",
		      "the journal says why (SMTPXDP_EVENT=state-fault)");
}

json_t *health_check(struct pins *p, const struct daemon_info *info,
		     enum daemon_state state, const json_t *tls,
		     const json_t *interfaces, unsigned int patience)
{
	struct checkup c = { .p = p,
			     .info = info,
			     .state = state,
			     .interfaces = interfaces,
			     .problems = json_array() };
	struct config config;

	learn_ids(&c);
	check_daemon(&c);
	check_refused(&c);
	check_attached(&c);
	check_programs(&c, patience);
	if (!config_init(&config)) {
		config_load(&config, info->config);
		check_configured(&c, &config);
		check_tls(&c, &config, tls);
		config_free(&config);
	}
	check_state(&c);
	check_cut(&c);
	check_fuse(&c);
	return c.problems;
}

json_t *health_unloaded(const char *dir)
{
	json_t *problems = json_array();

	wrong(problems, HEALTH_DAEMON, dir,
	      "nothing is loaded here: nobody is counted or dropped",
	      "start the daemon (smtpxdp run), or name its folder with --pin");
	return problems;
}

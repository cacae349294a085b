// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/duration.h"
#include "config/config.h"
#include "config/config_command.h"
#include "lists/cut.h"
#include "lists/fuse.h"
#include "load/programs.h"
#include "load/refusal.h"
#include "maps/doubts_map.h"
#include "maps/settings_map.h"
#include "show/alarms.h"
#include "show/health_dns.h"
#include "show/health_hooks.h"
#include "show/health_proxies.h"
#include "sys/executable.h"

#define DOUBT_SECONDS 3600
#define FUSE_NAMED 4 /* clients in the text */

static void check_daemon(struct checkup *c)
{
	char object[32];

	snprintf(object, sizeof(object), "daemon, pid %u", c->info->pid);
	if (c->state == DAEMON_DEAD)
		problem(c, HEALTH_DAEMON, "daemon",
			"it does not run: bans hold and end on time; new ones "
			"are provisional only, nothing inside TLS is read, and "
			"the journal hears of nothing",
			"start it (smtpxdp run)");
	else if (c->state == DAEMON_STARTING)
		problem(c, HEALTH_DAEMON, object, "it is still starting",
			"wait for it");
	else if (c->state == DAEMON_HUNG)
		problem(c, HEALTH_DAEMON, object,
			"it holds its lock, but has not moved for 10 seconds "
			"and more: stopped, or hung",
			RESTART_DAEMON
			" (kill -CONT, if somebody has stopped it)");
}

static void check_refused(struct checkup *c)
{
	__u32 wanted = programs_wanted(settings_now(c->p));

	for (__u32 i = 0; i < c->info->n_refused && i < DAEMON_REFUSED_MAX;
	     i++) {
		const struct daemon_refused *r = &c->info->refused[i];
		bool lockdown = refusal_by_lockdown(r->prog);
		char text[PROBLEM_SIZE * 2];

		if (!program_is_missed(c->info, wanted, r->prog))
			continue;
		snprintf(text, sizeof(text),
			 "the kernel refuses this program (%s): %s",
			 lockdown ? "it is locked down for confidentiality" :
				    r->why,
			 program_lost(r->prog));
		problem(c, HEALTH_PROGRAMS, r->prog, text,
			lockdown ?
				"boot with lockdown=integrity, or set tls to "
				"off" :
				"report what the journal says of it "
				"(SMTPXDP_EVENT=refused), or boot another "
				"kernel");
	}
}

static bool is_known(const struct daemon_info *info, const char *name)
{
	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		if (!strcmp(info->ifaces[i].name, name))
			return true;
	return false;
}

/* Reports interfaces that the configuration names, but not the daemon. */
static void check_configured(struct checkup *c)
{
	char **names;

	if (!c->config)
		return;
	names = config_items(c->config, KEY_INTERFACES);
	for (int i = 0; names && names[i]; i++)
		if (!is_known(c->info, names[i]))
			problem(c, HEALTH_XDP, names[i],
				"the configuration names it, and nothing is "
				"attached to it",
				RESTART_DAEMON);
	config_items_free(names);
	if (!c->info->n_ifaces)
		problem(c, HEALTH_XDP, "interfaces",
			"nothing is attached to any: nobody is dropped",
			c->state == DAEMON_DEAD ?
				"start the daemon (smtpxdp run)" :
				"there is no default route, and no address where "
				"a mail port is listened on, that says which: "
				"set the key interfaces, or wait for one");
}

/* The status has looked for blind processes already: c->tls has them. */
static void check_blind(struct checkup *c)
{
	char object[32], text[PROBLEM_SIZE];
	const json_t *proc;
	const char *name;
	json_int_t pid;
	size_t i;
	int port;

	json_array_foreach(json_object_get(c->tls, "blind"), i, proc) {
		if (json_unpack((json_t *)proc, "{s:i, s:I, s:s}", "port",
				&port, "pid", &pid, "name", &name))
			continue;
		snprintf(object, sizeof(object), "port %d", port);
		snprintf(text, sizeof(text),
			 "pid %lld (%s) writes TLS by a library that is not "
			 "known: what it replies is not read",
			 (long long)pid, name);
		problem(c, HEALTH_TLS, object, text,
			"name the library with tls-libraries");
	}
}

/* Has the kernel refused TLS programs? If so, check_refused() reports it. */
static bool tls_is_refused(const struct daemon_info *info)
{
	for (__u32 i = 0; i < info->n_refused && i < DAEMON_REFUSED_MAX; i++)
		if (PART_BIT(program_part(info->refused[i].prog)) & PARTS_TLS)
			return true;
	return false;
}

static void check_tls(struct checkup *c)
{
	char text[PROBLEM_SIZE];

	if (c->state != DAEMON_SERVES || !c->config ||
	    config_tls(c->config) == CONFIG_TLS_OFF)
		return;
	if (!c->info->tls_running && !tls_is_refused(c->info))
		problem(c, HEALTH_TLS, "tls",
			"nothing inside TLS is read: the journal says why",
			"set tls to off, if it is to be so, and " RESTART_DAEMON);
	if (c->info->tls_error) {
		snprintf(text, sizeof(text),
			 "a TLS library cannot be probed (%s): what servers "
			 "write by it is not read",
			 strerror(c->info->tls_error));
		problem(c, HEALTH_TLS, "tls", text,
			c->info->tls_error == ENOSPC ?
				"as many libraries are probed as can be: "
				"restart the servers that still run with "
				"replaced ones" :
			c->info->tls_perf ?
				"before Linux 6.6 that takes CAP_SYS_ADMIN: "
				"give it to the unit, and " RESTART_DAEMON :
				"see the journal for the library");
	}
	check_blind(c);
}

static void check_cut(struct checkup *c)
{
	char text[PROBLEM_SIZE];
	int err = settings_now(c->p)->cut_sessions ? cut_probe() : 0;

	if (!err)
		return;
	snprintf(text, sizeof(text),
		 "open connections of banned clients cannot be cut: %s",
		 cut_strerror(err));
	problem(c, HEALTH_CUT, "cut-sessions", text,
		"if it is to be so, set cut-sessions to no");
}

static void check_fuse(struct checkup *c)
{
	char text[2 * PROBLEM_SIZE], time[DURATION_TEXT], names[PROBLEM_SIZE];
	struct clock_pair now;
	struct fuse_state s;

	if (clock_read(c->p->prog[PROG_CLOCK], &now) ||
	    !fuse_holds_bans(c->p, now.jiffies) || fuse_read(c->p, &s))
		return;
	snprintf(text, sizeof(text),
		 "it has blown: %u clients that used to log in began to fail "
		 "within %s (%s); bans are held back until logins succeed "
		 "again",
		 s.clients, duration_format(s.seconds, time),
		 fuse_names(s.name, s.names, FUSE_NAMED, names, sizeof(names)));
	problem(c, HEALTH_FUSE, "fuse", text,
		"look after the mail server's password database");
}

/* Reports a server whose replies were not believed within the last hour. */
static void check_servers(struct checkup *c)
{
	static const char *const why[DOUBTS_MAX] = {
		[DOUBT_FORWARDED] =
			"replies that come through this host, of a server that "
			"is not known here, are not read: of a virtual machine, "
			"of a container of an ordinary user, behind NAT that "
			"hides clients or changes its port, or forged",
		[DOUBT_USER] = "replies of a server that an ordinary user runs "
			       "are not read",
	};
	char object[ADDR_TEXT + 16], remedy[PROBLEM_SIZE], text[ADDR_TEXT];
	const struct settings *s = settings_now(c->p);
	struct clock_pair now;
	struct doubted d;

	if (clock_read(c->p->prog[PROG_CLOCK], &now))
		return;
	for (int i = 0; i < DOUBTS_MAX; i++) {
		if (doubts_read(c->p, i, &d) || !d.when ||
		    now.jiffies - d.when > DOUBT_SECONDS * clock_hz() ||
		    server_is_named(s, &d.server) || !port_is_mail(s, d.port))
			continue;
		addr_format(&d.server, text);
		snprintf(object, sizeof(object), "%s port %u", text, d.port);
		snprintf(remedy, sizeof(remedy),
			 "if it is a mail server of yours, add %s to the key "
			 "servers; if not, find out who sends there, or take "
			 "the port out of ports",
			 text);
		problem(c, HEALTH_SERVERS, object, why[i], remedy);
	}
}

/*
 * The map says how the daemon's last write went; a dead daemon does not write.
 */
static void check_state(struct checkup *c)
{
	if (c->state == DAEMON_SERVES && !activity_is_saved(c->p))
		problem(c, HEALTH_STATE, c->info->state_dir,
			"bans hold, but are not saved: a reboot would end them",
			"the journal says why (SMTPXDP_EVENT=state-fault)");
}

/* Reports a program of on-event that would not be run at the next ban. */
static void check_on_event(struct checkup *c)
{
	char why[PROBLEM_SIZE], text[PROBLEM_SIZE + 64];
	struct command cmd;

	if (!c->config || !command_read(c->config, &cmd))
		return;
	if (executable_check(cmd.words[0], why, sizeof(why))) {
		snprintf(text, sizeof(text), "at a ban, nothing is run: %s",
			 why);
		problem(c, HEALTH_ON_EVENT, "on-event", text,
			"put the program in order, or name another one "
			"(smtpxdp config set on-event)");
	}
	command_free(&cmd);
}

static void (*const checks[])(struct checkup *c) = {
	check_daemon, /* does it run? */
	check_refused, /* which programs has the kernel refused? */
	health_hooks, /* are the others attached, and do they work? */
	check_configured, /* to every interface of the configuration? */
	check_tls,	  check_state,	 check_cut,
	check_fuse,	  check_servers, health_proxies,
	health_dns,	  alarms_check,	 check_on_event,
};

json_t *health_check(struct pins *p, const struct daemon_info *info,
		     enum daemon_state state, const json_t *tls,
		     const json_t *interfaces, unsigned int patience)
{
	struct checkup c = { .p = p,
			     .info = info,
			     .state = state,
			     .tls = tls,
			     .interfaces = interfaces,
			     .patience = patience,
			     .problems = json_array() };
	struct config config;
	bool known = !config_init(&config);

	if (known) {
		config_load(&config, info->config);
		c.config = &config;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](&c);
	if (known)
		config_free(&config);
	return c.problems;
}

json_t *health_unloaded(const char *dir)
{
	struct checkup c = { .problems = json_array() };

	problem(&c, HEALTH_DAEMON, dir,
		"nothing is loaded here: nobody is counted or dropped",
		"start the daemon (smtpxdp run), or name its folder with --pin");
	return c.problems;
}

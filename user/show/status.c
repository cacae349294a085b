// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/status.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#include "maps/activity_map.h"
#include "base/address.h"
#include "lists/allowlist.h"
#include "sys/attach.h"
#include "lists/banlist.h"
#include "lists/fuse.h"
#include "config/config.h"
#include "maps/counter_map.h"
#include "base/escape.h"
#include "show/closed.h"
#include "show/health.h"
#include "tell/journal.h"
#include "sys/netinfo.h"
#include "show/entry_json.h"
#include "show/ways.h"
#include "load/programs.h"
#include "maps/settings_map.h"
#include "pure/who.h"
#include "tls/tls_trial.h"
#include "tls/tls_watch.h"

/* A JSON string from any bytes, as names of files and interfaces may have. */
static json_t *printed(const char *s, size_t size)
{
	char text[ESCAPED_SIZE(256)];

	return json_string(printable(s, strnlen(s, size), text, sizeof(text)));
}

/* Is this the daemon's network namespace? Others' filters are out of reach. */
static bool is_here(const struct daemon_info *info)
{
	return info->netns == netns_inode();
}

/*
 * "dispatcher"; else "native" or "generic": as the kernel says, or as the daemon
 * noted.
 */
static const char *xdp_mode(const struct pins *p,
			    const struct daemon_info *info,
			    const struct daemon_iface *iface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	bool generic = iface->flags & IFACE_XDP_GENERIC;

	if (attached_beside(p->dir, iface))
		return "dispatcher";
	if (is_here(info) && !bpf_xdp_query(iface->ifindex, 0, &query))
		generic = query.attach_mode == XDP_ATTACHED_SKB;
	return generic ? "generic" : "native";
}

/*
 * One interface. From another network namespace, its clsact filters are taken
 * to be attached.
 */
static json_t *iface_json(const struct pins *p, const struct daemon_info *info,
			  const struct daemon_iface *iface)
{
	bool clsact = iface->flags & IFACE_CLSACT;
	bool tc = (clsact && !is_here(info)) || attached_tc(p->dir, iface);
	bool in = (clsact && !is_here(info)) || attached_tc_in(p->dir, iface);
	const char *how = clsact ? "clsact" : "tcx";
	bool xdp = attached_xdp(p->dir, iface);

	return json_pack("{s:o, s:b, s:s, s:s, s:s}", "name",
			 printed(iface->name, sizeof(iface->name)), "waiting",
			 !iface->ifindex, "xdp",
			 xdp ? xdp_mode(p, info, iface) : "none", "tc",
			 tc ? how : "none", "tc_in", in ? how : "none");
}

static json_t *interfaces_json(const struct pins *p,
			       const struct daemon_info *info)
{
	json_t *list = json_array();

	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++)
		json_array_append_new(list,
				      iface_json(p, info, &info->ifaces[i]));
	return list;
}

/* Mail server processes whose TLS no probe sees. */
static json_t *blind_json(const struct pins *p)
{
	json_t *list = json_array();
	char name[ESCAPED_SIZE(16)];
	__u32 pid, *prev = NULL;
	struct mail_proc proc;

	while (!bpf_map_get_next_key(p->map[MAP_MAIL_PROCS], prev, &pid)) {
		prev = &pid;
		if (bpf_map_lookup_elem(p->map[MAP_MAIL_PROCS], &pid, &proc) ||
		    !tls_is_blind(&proc))
			continue;
		escape(proc.name, strnlen(proc.name, sizeof(proc.name)), name,
		       sizeof(name));
		json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "port",
						      proc.port, "pid", pid,
						      "name", name));
	}
	return list;
}

static json_t *tls_json(const struct pins *p, const struct daemon_info *info)
{
	static const char *const ways[] = {
		[TLS_WAY_ENTRY] = "entry",   [TLS_WAY_SOON] = "entry",
		[TLS_WAY_TRIAL] = "trial",   [TLS_WAY_MOVING] = "trial",
		[TLS_WAY_BEHIND] = "behind", [TLS_WAY_DIFFERS] = "differs",
	};
	json_t *files = json_array(), *probed = json_array();

	for (__u32 i = 0; i < info->n_tls_files && i < DAEMON_TLS_FILES_MAX;
	     i++) {
		json_array_append_new(files, printed(info->tls_files[i],
						     DAEMON_TLS_PATH_SIZE));
		json_array_append_new(
			probed,
			json_string(info->tls_ways[i] <= TLS_WAY_DIFFERS ?
					    ways[info->tls_ways[i]] :
					    "?"));
	}
	return json_pack("{s:b, s:s, s:o, s:o, s:o}", "running",
			 info->tls_running, "hook", info->tls_hook, "libraries",
			 files, "probed", probed, "blind", blind_json(p));
}

static json_t *refused_json(const struct pins *p,
			    const struct daemon_info *info)
{
	json_t *list = json_array();

	for (__u32 i = 0; i < info->n_refused && i < DAEMON_REFUSED_MAX; i++) {
		const struct daemon_refused *r = &info->refused[i];
		bool missed = program_is_missed(
			info, programs_wanted(settings_now(p)), r->prog);

		json_array_append_new(
			list, json_pack("{s:s, s:o, s:b}", "program", r->prog,
					"why", printed(r->why, sizeof(r->why)),
					"missed", missed));
	}
	return list;
}

static void add_way(json_t *list, const char *object, const char *way,
		    const char *newest, const char *since)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "object",
					      object, "way", way, "newest",
					      newest, "since", since));
}

/* What works by an older interface of the kernel than the newest one known. */
static json_t *older_ways_json(const struct daemon_info *info)
{
	json_t *list = json_array();

	for (__u32 i = 0; i < info->n_ifaces && i < DAEMON_IFACES_MAX; i++) {
		const struct daemon_iface *iface = &info->ifaces[i];
		char name[ESCAPED_SIZE(sizeof(iface->name))];

		if (iface->ifindex && iface->flags & IFACE_CLSACT)
			add_way(list,
				printable(iface->name,
					  strnlen(iface->name,
						  sizeof(iface->name)),
					  name, sizeof(name)),
				"clsact", "tcx", "6.6");
	}
	if (info->tls_running && info->tls_perf)
		add_way(list, "tls", "perf uprobes", "uprobe.multi", "6.6");
	if (info->tls_running && strcmp(info->tls_hook, "sock_send_length"))
		add_way(list, "tls", info->tls_hook, "sock_send_length", "6.3");
	return list;
}

static json_t *counters_json(const struct pins *p)
{
	json_t *all = json_object();
	struct counter_value v;

	for (int i = 0; i < COUNTERS_MAX; i++)
		if (!counter_read(p, i, &v))
			json_object_set_new(all, counter_names[i],
					    json_pack("{s:I, s:I}", "packets",
						      (json_int_t)v.packets,
						      "bytes",
						      (json_int_t)v.bytes));
	return all;
}

static json_t *events_json(const struct pins *p)
{
	json_t *all = json_object();

	for (int i = 0; i < MESSAGES_MAX; i++)
		json_object_set_new(all, message_names[i],
				    json_integer(activity_told(p, i)));
	return all;
}

/* Counts of bans and allowlist entries; index 0: of clients, 1: of networks. */
struct tally {
	const struct settings *s;
	__u64 jiffies;
	json_int_t entries[2]; /* entries in the maps, in force or expired */
	json_int_t allowed;
	json_int_t provisional[2];
	json_int_t automatic[2];
	json_int_t command[2];
};

static int tally_ban(const struct ban_row *row, void *ctx)
{
	struct tally *t = ctx;
	struct addr a = net_addr(&row->net);
	int net = (int)row->net.len != who_client_len(t->s, &a);

	if (row->ban.flags & BAN_TEST)
		return 0;
	t->entries[net]++;
	if (row->ban.expires <= t->jiffies)
		return 0;
	if (row->ban.flags & BAN_PROVISIONAL)
		t->provisional[net]++;
	else if (row->ban.failures)
		t->automatic[net]++;
	else
		t->command[net]++;
	return 0;
}

static int tally_allowed(const struct net *net, __u32 flags, void *ctx)
{
	++*(json_int_t *)ctx;
	return 0;
}

static json_t *kind_json(const struct tally *t, int net)
{
	return json_pack("{s:I, s:I, s:I}", "provisional", t->provisional[net],
			 "automatic", t->automatic[net], "command",
			 t->command[net]);
}

static json_int_t map_size(const struct pins *p, enum pinned_map map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (map == MAP_BANS) /* its entries are lines of several bans */
		return banlist_max(p);
	bpf_obj_get_info_by_fd(p->map[map], &info, &len);
	return info.max_entries;
}

/* "maps": entries and size of each. */
static json_t *maps_json(const struct pins *p, const struct tally *t,
			 const struct map_fill *f)
{
	const struct {
		enum pinned_map map;
		json_int_t entries;
	} maps[] = {
		{ MAP_CLIENTS, f->clients },	 { MAP_BANS, t->entries[0] },
		{ MAP_BAN_NETS, t->entries[1] }, { MAP_ALLOW_NETS, t->allowed },
		{ MAP_STREAMS, f->streams },	 { MAP_HISTORY, f->history },
	};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		json_object_set_new(all, map_names[maps[i].map],
				    json_pack("{s:I, s:I}", "entries",
					      maps[i].entries, "max_entries",
					      map_size(p, maps[i].map)));
	return all;
}

/* Counts bans and map entries into the document. */
static void add_fill(json_t *doc, const struct pins *p)
{
	struct tally t = { .s = settings_now(p) };
	struct map_fill f = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &f,
		    .ctx_size_in = sizeof(f));
	struct clock_pair now = {};
	json_int_t bans = 0;

	bpf_prog_test_run_opts(p->prog[PROG_FILL], &opts);
	if (!clock_read(p->prog[PROG_CLOCK], &now)) {
		t.jiffies = now.jiffies;
		banlist_each(p, tally_ban, &t);
	}
	allow_map_each(p, tally_allowed, &t.allowed);
	for (int i = 0; i < 2; i++)
		bans += t.provisional[i] + t.automatic[i] + t.command[i];
	json_object_set_new(doc, "bans", json_integer(bans));
	json_object_set_new(doc, "max_bans", json_integer(banlist_max(p)));
	json_object_set_new(doc, "clients", json_integer(f.clients));
	json_object_set_new(doc, "max_clients",
			    json_integer(map_size(p, MAP_CLIENTS)));
	json_object_set_new(doc, "streams", json_integer(f.streams));
	json_object_set_new(doc, "bans_by",
			    json_pack("{s:o, s:o}", "client", kind_json(&t, 0),
				      "network", kind_json(&t, 1)));
	json_object_set_new(doc, "maps", maps_json(p, &t, &f));
}

static json_t *limit_json(const struct limit *l)
{
	return json_pack("{s:i, s:i}", "failures", l->failures, "seconds",
			 l->sec);
}

static json_t *settings_json(const struct settings *s)
{
	return json_pack("{s:o, s:o, s:i, s:i, s:o, s:b}", "rate",
			 limit_json(&s->policy[POLICY_PLAIN].rate), "slow_rate",
			 limit_json(&s->slow), "ban_time",
			 s->policy[POLICY_PLAIN].ban_sec, "ban_max",
			 s->ban_max_sec, "closed", closed_json(s, 0), "spares",
			 s->scope == SCOPE_MAIL && s->spares &&
				 port_is_closed(s, PORT_DELIVERY));
}

/* "fuse": who blew it, or null while it is closed. */
static json_t *fuse_json(const struct pins *p)
{
	char since[CLOCK_TEXT], name[NET_TEXT];
	struct clock_pair now;
	struct fuse_state s;
	json_t *names;

	if (clock_read(p->prog[PROG_CLOCK], &now) || fuse_read(p, &s) ||
	    !fuse_holds_bans(p, now.jiffies))
		return json_null();
	names = json_array();
	for (__u32 i = 0; i < s.names && i < FUSE_NAMES; i++)
		json_array_append_new(
			names, json_string(net_format(&s.name[i], name)));
	return json_pack("{s:s, s:i, s:i, s:I, s:o}", "since",
			 clock_format_boot(s.since, since), "failing",
			 s.clients, "seconds", s.seconds, "successes",
			 (json_int_t)s.successes, "clients", names);
}

static json_t *describe(struct pins *p, const struct daemon_info *info,
			unsigned int patience)
{
	enum daemon_state state = daemon_state(p);
	json_t *doc = json_object(), *tls = tls_json(p, info), *problems;
	json_t *interfaces = interfaces_json(p, info);

	problems = health_check(p, info, state, tls, interfaces, patience);
	json_object_set_new(doc, "ok",
			    json_boolean(!json_array_size(problems)));
	json_object_set_new(doc, "problems", problems);
	json_object_set_new(doc, "mode",
			    json_string(settings_now(p)->mode == MODE_MONITOR ?
						"monitor" :
						"enforce"));
	json_object_set_new(doc, "interfaces", interfaces);
	json_object_set_new(doc, "ways", ways_json(p, info));
	add_fill(doc, p);
	json_object_set_new(doc, "settings", settings_json(settings_now(p)));
	json_object_set_new(doc, "fuse", fuse_json(p));
	json_object_set_new(doc, "groups", groups_json(p));
	json_object_set_new(doc, "tls", tls);
	json_object_set_new(doc, "refused", refused_json(p, info));
	json_object_set_new(doc, "older_ways", older_ways_json(info));
	json_object_set_new(doc, "counters", counters_json(p));
	json_object_set_new(doc, "events", events_json(p));
	json_object_set_new(
		doc, "daemon",
		json_pack("{s:b, s:b, s:o}", "running", state != DAEMON_DEAD,
			  "serves", state == DAEMON_SERVES, "pid",
			  state != DAEMON_DEAD ? json_integer(info->pid) :
						 json_null()));
	json_object_set_new(doc, "config_file",
			    printed(info->config_path,
				    sizeof(info->config_path)));
	json_object_set_new(doc, "state_dir",
			    printed(info->state_dir, sizeof(info->state_dir)));
	json_object_set_new(doc, "version", json_string(VERSION));
	return doc;
}

json_t *status_collect(struct pins *p, unsigned int patience)
{
	struct daemon_info *info = malloc(sizeof(*info));
	json_t *doc = NULL;

	if (info && !daemon_read(p, info))
		doc = describe(p, info, patience);
	free(info);
	return doc;
}

json_t *status_unloaded(const char *dir)
{
	return json_pack("{s:b, s:o, s:{s:b, s:b, s:n}, s:s}", "ok", 0,
			 "problems", health_unloaded(dir), "daemon", "running",
			 0, "serves", 0, "pid", "version", VERSION);
}

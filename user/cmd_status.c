// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp status: mode, interfaces, map fill, every counter, the daemon. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "banlist.h"
#include "cmd.h"
#include "counter_map.h"
#include "escape.h"
#include "netinfo.h"
#include "output.h"
#include "settings_map.h"
#include "tls_watch.h"

static json_int_t count_keys(const struct pins *p, enum pinned_map map)
{
	unsigned char key[64], *prev = NULL;
	json_int_t n = 0;

	while (!bpf_map_get_next_key(p->map[map], prev, key)) {
		prev = key;
		n++;
	}
	return n;
}

struct fill {
	__u64 jiffies;
	json_int_t bans;
};

static int count_ban(const struct ban_row *row, void *ctx)
{
	struct fill *f = ctx;

	f->bans += row->ban.expires > f->jiffies;
	return 0;
}

static json_int_t map_size(const struct pins *p, enum pinned_map map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	bpf_obj_get_info_by_fd(p->map[map], &info, &len);
	return info.max_entries;
}

/* A filter can only be looked for in the daemon's own network namespace. */
static bool tc_is_attached(const struct pins *p, const struct daemon_info *info,
			   const struct daemon_iface *iface)
{
	if (iface->flags & IFACE_CLSACT && info->netns != netns_inode())
		return true;
	return attached_tc(p->dir, iface);
}

static json_t *iface_json(const struct pins *p, const struct daemon_info *info,
			  const struct daemon_iface *iface)
{
	const char *xdp = "none", *tc = "none";

	if (attached_xdp(p->dir, iface))
		xdp = iface->flags & IFACE_XDP_GENERIC ? "generic" : "native";
	if (tc_is_attached(p, info, iface))
		tc = iface->flags & IFACE_CLSACT ? "clsact" : "tcx";
	return json_pack("{s:s, s:s, s:s}", "name", iface->name, "xdp", xdp,
			 "tc", tc);
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
	json_t *files = json_array();

	for (__u32 i = 0; i < info->n_tls_files && i < DAEMON_TLS_FILES_MAX;
	     i++)
		json_array_append_new(files, json_string(info->tls_files[i]));
	return json_pack("{s:b, s:s, s:o, s:o}", "running", info->tls_running,
			 "hook", info->tls_hook, "libraries", files, "blind",
			 blind_json(p));
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

static json_t *status_json(const struct pins *p, const struct daemon_info *info)
{
	bool alive = pins_daemon_alive(p->dir);
	char path[ESCAPED_SIZE(256)];
	struct clock_pair now = {};
	struct fill f = {};
	int err = clock_read(p->prog[PROG_CLOCK], &now);

	f.jiffies = now.jiffies;
	if (!err)
		banlist_each(p, count_ban, &f);
	return json_pack(
		"{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:{s:b, s:o}, "
		"s:s, s:s}",
		"mode",
		settings_now(p)->mode == MODE_MONITOR ? "monitor" : "enforce",
		"interfaces", interfaces_json(p, info), "bans", f.bans,
		"max_bans", map_size(p, MAP_BANS), "clients",
		count_keys(p, MAP_CLIENTS), "max_clients",
		map_size(p, MAP_CLIENTS), "streams", count_keys(p, MAP_STREAMS),
		"tls", tls_json(p, info), "counters", counters_json(p),
		"daemon", "running", alive, "pid",
		alive ? json_integer(info->pid) : json_null(), "config_file",
		printable(info->config_path, strlen(info->config_path), path,
			  sizeof(path)),
		"version", VERSION);
}

static void print_fill(const json_t *doc, const char *what, const char *max)
{
	long long n = json_integer_value(json_object_get(doc, what));
	long long of = json_integer_value(json_object_get(doc, max));

	printf("%-12s %lld of %lld (%lld%%)\n", what, n, of,
	       of ? 100 * n / of : 0);
}

static void print_tls(const json_t *tls)
{
	const json_t *blind = json_object_get(tls, "blind"), *v;
	size_t i;

	if (!json_is_true(json_object_get(tls, "running")))
		printf("%-12s not read\n", "tls");
	json_array_foreach(json_object_get(tls, "libraries"), i, v)
		printf("%-12s %s\n", i ? "" : "tls", json_string_value(v));
	json_array_foreach(blind, i, v)
		printf("%-12s port %lld: pid %lld (%s) writes TLS by a library "
		       "that is not known\n",
		       "BLIND",
		       (long long)json_integer_value(
			       json_object_get(v, "port")),
		       (long long)json_integer_value(json_object_get(v, "pid")),
		       json_string_value(json_object_get(v, "name")));
}

static void print_text(json_t *doc)
{
	json_t *iface, *daemon = json_object_get(doc, "daemon");
	size_t i;

	printf("%-12s %s\n", "mode",
	       json_string_value(json_object_get(doc, "mode")));
	if (json_is_true(json_object_get(daemon, "running")))
		printf("%-12s running, pid %lld\n", "daemon",
		       (long long)json_integer_value(
			       json_object_get(daemon, "pid")));
	else
		printf("%-12s NOT running\n", "daemon");
	json_array_foreach(json_object_get(doc, "interfaces"), i, iface)
		printf("%-12s %s: xdp %s, tc %s\n", i ? "" : "interfaces",
		       json_string_value(json_object_get(iface, "name")),
		       json_string_value(json_object_get(iface, "xdp")),
		       json_string_value(json_object_get(iface, "tc")));
	if (!json_array_size(json_object_get(doc, "interfaces")))
		printf("%-12s none: nothing is attached\n", "interfaces");
	print_tls(json_object_get(doc, "tls"));
	print_fill(doc, "bans", "max_bans");
	print_fill(doc, "clients", "max_clients");
	printf("\n%-18s %12s %14s\n", "COUNTER", "PACKETS", "BYTES");
	for (int c = 0; c < COUNTERS_MAX; c++) {
		json_t *v = json_object_get(json_object_get(doc, "counters"),
					    counter_names[c]);

		printf("%-18s %12lld %14lld  %s\n", counter_names[c],
		       (long long)json_integer_value(
			       json_object_get(v, "packets")),
		       (long long)json_integer_value(
			       json_object_get(v, "bytes")),
		       counter_sentences[c]);
	}
}

int cmd_status(const struct globals *g, int argc, char **argv)
{
	struct daemon_info *info;
	int err = cmd_no_args(argc, argv);
	struct pins p;
	json_t *doc;

	if (err)
		return err;
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	info = malloc(sizeof(*info));
	err = info ? daemon_read(&p, info) : -ENOMEM;
	if (err) {
		err = fail("cannot read the daemon's map: %s", strerror(-err));
	} else {
		doc = status_json(&p, info);
		if (!output_json(doc))
			print_text(doc);
		json_decref(doc);
	}
	free(info);
	pins_close(&p);
	return err;
}

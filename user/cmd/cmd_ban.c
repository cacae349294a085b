// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban: list, add. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "cmd/cmd_ban.h"
#include "cmd/cmd_ban_load.h"
#include "config/config.h"
#include "lists/cut.h"
#include "base/duration.h"
#include "base/escape.h"
#include "tell/journal.h"
#include "sys/netinfo.h"
#include "base/output.h"
#include "show/entry_json.h"
#include "maps/clients_map.h"
#include "maps/settings_map.h"
#include "state/state.h"

struct listing {
	const struct pins *p;
	json_t *rows;
	struct clock_pair now;
};

static int list_one(const struct ban_row *row, void *ctx)
{
	struct listing *l = ctx;

	if (row->ban.expires > l->now.jiffies && !(row->ban.flags & BAN_TEST))
		json_array_append_new(l->rows, ban_json(l->p, row, &l->now));
	return 0;
}

static int ban_list(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "NETWORK", "net", 0 },
		{ "EXPIRES IN", "expires_in", COLUMN_DURATION },
		{ "BANNED AT", "banned_at", 0 },
		{ "FAILURES", "failures", 0 },
		{ "OFFENCES", "offences", 0 },
		{ "NEXT BAN", "next_ban", COLUMN_DURATION },
		{ "DROPPED", "dropped_packets", 0 },
		{ "BYTES", "dropped_bytes", COLUMN_BYTES },
		{ "REASON", "reason", 0 },
		{}
	};
	int err = cmd_no_args(argc, argv);
	struct pins p;
	struct listing l = { .p = &p };

	if (err)
		return err;
	if (pins_open(&p, g->pin_dir))
		return EXIT_FAILURE;
	l.rows = json_array();
	err = clock_read(p.prog[PROG_CLOCK], &l.now);
	if (!err)
		err = banlist_each(&p, list_one, &l);
	if (err)
		err = fail("cannot read the ban list: %s", strerror(-err));
	else
		output_rows(l.rows, columns, "nobody is banned");
	json_decref(l.rows);
	pins_close(&p);
	return err;
}

int ban_parse_net(const char *s, struct ban_args *a)
{
	char err[CONFIG_ERROR_SIZE];

	a->whole = !strchr(s, '/');
	if (net_parse(s, &a->net, err, sizeof(err)))
		return usage("%s", err);
	return 0;
}

int ban_open_locked(const struct globals *g, struct ban_args *a, struct pins *p)
{
	int lock = pins_open_locked(p, g->pin_dir);

	if (lock >= 0 && a->whole)
		a->net = client_of(p, &a->net);
	return lock;
}

static int parse_reason(const char *s, struct ban_args *a)
{
	const char *fault = reason_fault(s);

	if (fault)
		return usage("--reason: %s", fault);
	strcpy(a->reason, s);
	return 0;
}

static int parse_add(int argc, char **argv, struct ban_args *a)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 't' },
		{ "reason", required_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' },
		{}
	};
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 't' &&
		    (duration_parse(optarg, &a->seconds) || !a->seconds))
			err = usage("--for %s: not a time like 90s, 1h or 7d, "
				    "of 100 years at most",
				    optarg);
		else if (c == 'r')
			err = parse_reason(optarg, a);
		else if (c == 'f')
			a->force = true;
		else if (c == '?')
			err = bad_option(argv);
	}
	if (err)
		return err;
	if (optind + 1 != argc)
		return usage("ban add takes one address or network: smtpxdp "
			     "ban add ADDR[/LEN] [--for 1h] [--reason TEXT]");
	return ban_parse_net(argv[optind], a);
}

/* Not the local host, not the gateway, not an allowlisted peer. */
static int refuse(struct pins *p, const struct ban_args *a)
{
	char net[NET_TEXT], entry[NET_TEXT];
	struct net found;
	__u32 flags = allowlist_objects(p, &a->net, &found);

	net_format(&a->net, net);
	net_format(&found, entry);
	if (flags & ALLOW_ADMIN)
		return fail("%s is allowlisted by %s (%s): take that off the "
			    "allowlist first",
			    net, entry, allow_origin(flags));
	if (flags && !a->force)
		return fail("%s %s %s: --force bans it all the same", net,
			    flags & ALLOW_SELF ?
				    "holds an address of this host," :
				    "holds a gateway of this host,",
			    entry);
	return 0;
}

static int add_locked(struct pins *p, struct ban_args *a, struct ban_row *row,
		      struct clock_pair *now)
{
	int err = clock_read(p->prog[PROG_CLOCK], now);

	if (err)
		return fail("cannot read the kernel's clock: %s",
			    strerror(-err));
	if (!a->seconds)
		a->seconds = settings_now(p)->policy[POLICY_PLAIN].ban_sec;
	row->net = a->net;
	row->ban = (struct ban){
		.expires = now->jiffies + a->seconds * clock_hz(),
		.since = now->boot_ns,
		.len = a->net.len,
		.flags = a->force ? BAN_FORCED : 0,
	};
	strcpy(row->ban.reason, a->reason);
	err = banlist_put(p, &a->net, &row->ban);
	if (err == -E2BIG)
		return fail("the ban list is full: raise max-bans, or remove "
			    "some (smtpxdp ban flush)");
	return err ? fail("cannot write the ban: %s", strerror(-err)) : 0;
}

/* How many of its connections were cut; -errno, told. */
static int cut_all(struct pins *p, const struct net *net, bool here)
{
	int n = 0, ret;
	bool more;

	if (!here) {
		warn("its open connections are not cut: they are in the "
		     "daemon's network namespace, this is another");
		return -ENOENT;
	}
	do {
		ret = cut_connections(p, net, 1, &more);
		n += ret > 0 ? ret : 0;
	} while (more);
	if (ret >= 0)
		return n;
	warn("its open connections are not cut: %s", cut_strerror(ret));
	return ret;
}

#define CUT_TEXT 40

static const char *cut_text(int n, char buf[static CUT_TEXT])
{
	*buf = '\0';
	if (n > 0)
		snprintf(buf, CUT_TEXT, ", %d connection%s cut", n,
			 n == 1 ? "" : "s");
	return buf;
}

static int ban_add(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = { .reason = "by command" };
	char net[NET_TEXT], duration[DURATION_TEXT], text[CUT_TEXT];
	struct clock_pair now;
	struct ban_row row;
	struct pins p;
	json_t *doc;
	int err = parse_add(argc, argv, &a), lock, cut;
	bool here;

	if (err)
		return err;
	lock = ban_open_locked(g, &a, &p);
	if (lock < 0)
		return EXIT_FAILURE;
	here = daemon_is_here(&p);
	/* The daemon keeps them up to date; but it may be down. */
	if (here)
		allowlist_sync_host(&p);
	err = refuse(&p, &a);
	if (!err)
		err = add_locked(&p, &a, &row, &now);
	pins_unlock(lock);
	if (!err) {
		cut = cut_all(&p, &a.net, here);
		state_save_command(&p, true);
		journal_record(&(struct record){ .kind = MESSAGE_BAN,
						 .net = &a.net,
						 .duration = a.seconds,
						 .reason = a.reason });
		doc = ban_json(&p, &row, &now);
		json_object_set_new(doc, "connections_cut",
				    cut < 0 ? json_null() : json_integer(cut));
		output_done(doc, "banned %s for %s%s", net_format(&a.net, net),
			    duration_format(a.seconds, duration),
			    cut_text(cut, text));
	}
	pins_close(&p);
	return err;
}

int cmd_ban(const struct globals *g, int argc, char **argv)
{
	static const struct cmd cmds[] = {
		{ "list", ban_list, "", "who is banned, for how long and why" },
		{ "add", ban_add,
		  "ADDR[/LEN] [--for 1h] [--reason TEXT] [--force]",
		  "ban an address (the client it is of) or a network" },
		{ "load", ban_load,
		  "FILE|- [--for 1h] [--reason TEXT] [--no-wait]",
		  "ban all that a file lists: ADDR[/LEN] [TIME] [REASON]" },
		{ "del", ban_del, "[--forgive] ADDR[/LEN]",
		  "unban, and forget the client's failures; --forgive: its "
		  "offences, too" },
		{ "flush", ban_flush, "[--forgive]", "unban everybody" },
		{}
	};

	journal_quiet = 1;
	return cmd_dispatch(cmds, g, argv[0], argc - 1, argv + 1);
}

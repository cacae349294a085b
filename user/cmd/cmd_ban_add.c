// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban add. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "cmd/ban_args.h"
#include "lists/cut.h"
#include "base/duration.h"
#include "tell/journal.h"
#include "sys/netinfo.h"
#include "base/output.h"
#include "show/entry_json.h"
#include "maps/settings_map.h"
#include "state/state.h"

static const struct cmd_option options[] = {
	BAN_OPTION_FOR,
	BAN_OPTION_REASON,
	{ 'f', false, "force", NULL, false,
	  "also an address of this host or of its gateways" },
	{}
};

static int parse(const struct globals *g, int argc, char **argv,
		 struct ban_args *a, bool *force)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 't')
			err = ban_parse_time(optarg, a);
		else if (c == 'r')
			err = ban_parse_reason(optarg, a);
		else
			*force = true;
	}
	if (err || c < 0)
		return EXIT_USAGE;
	return ban_parse_net(argv[optind], a);
}

/* Refuses networks with allowlisted addresses, this host's, or a gateway's. */
static int refuse(struct pins *p, const struct ban_args *a, bool force)
{
	char net[NET_TEXT], entry[NET_TEXT];
	struct net found;
	__u32 flags = allowlist_objects(p, &a->net, &found);

	net_format(&a->net, net);
	net_format(&found, entry);
	if (flags & ALLOW_PROXY)
		return fail(
			"%s is of a proxy (%s of the key proxies), which is "
			"never banned: ban the clients that it names, or "
			"take it out of proxies first",
			net, entry);
	if (flags & ALLOW_ADMIN)
		return fail("%s is allowlisted by %s (%s): take that off the "
			    "allowlist first",
			    net, entry, allow_origin(flags));
	if (flags && !force)
		return fail("%s %s %s: --force bans it all the same", net,
			    flags & ALLOW_SELF ?
				    "holds an address of this host," :
				    "holds a gateway of this host,",
			    entry);
	return 0;
}

static int add_locked(struct pins *p, struct ban_args *a, bool force,
		      struct ban_row *row, struct clock_pair *now)
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
		.flags = force ? BAN_FORCED : 0,
	};
	strcpy(row->ban.reason, a->reason);
	err = banlist_put(p, &a->net, &row->ban);
	if (err == -E2BIG)
		return fail("the ban list is full: raise max-bans, or remove "
			    "some (smtpxdp ban flush)");
	return err ? fail("cannot write the ban: %s", strerror(-err)) : 0;
}

/* Cuts open connections; returns how many, or -errno after a warning. */
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

static int add(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = { .reason = "by command" };
	char net[NET_TEXT], duration[DURATION_TEXT], text[CUT_TEXT];
	struct clock_pair now;
	struct ban_row row;
	struct pins p;
	json_t *doc;
	bool force = false, here;
	int err = parse(g, argc, argv, &a, &force), lock, cut;

	if (err)
		return err;
	lock = ban_open_locked(g, &a, &p);
	if (lock < 0)
		return EXIT_FAILURE;
	here = daemon_is_here(&p);
	/* The daemon keeps the host's addresses up to date, but may be down. */
	if (here)
		allowlist_sync_host(&p);
	err = refuse(&p, &a, force);
	if (!err)
		err = add_locked(&p, &a, force, &row, &now);
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

const struct cmd cmd_ban_add = {
	.name = "add",
	.fn = add,
	.args = "ADDR[/LEN]",
	.help = "ban an address (the client it is of) or a network",
	.options = options,
};

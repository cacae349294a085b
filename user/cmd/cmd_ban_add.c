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
#include "lists/owners.h"
#include "maps/owner_names.h"
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
	BAN_OPTION_OWNER("who wants it, as ban del --owner takes it back"),
	{ 's', false, "shorten", NULL, false,
	  "also where a ban that is there ends later" },
	{}
};

struct adding {
	struct ban_args args;
	bool force, shorten;
	struct pins p;
	struct clock_pair now;
	struct ban_row row; /* the ban as it holds then */
	bool kept; /* it is there for longer already */
};

static int parse(const struct globals *g, int argc, char **argv,
		 struct adding *a)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 't')
			err = ban_parse_time(optarg, &a->args);
		else if (c == 'r')
			err = ban_parse_reason(optarg, &a->args);
		else if (c == 'o')
			err = ban_parse_owner("--owner", optarg, &a->args);
		else if (c == 'f')
			a->force = true;
		else
			a->shorten = true;
	}
	if (err || c < 0)
		return EXIT_USAGE;
	return ban_parse_target(argv[optind], &a->args.target);
}

/* Refuses networks with allowlisted addresses, this host's, or a gateway's. */
static int refuse(struct pins *p, const struct net *of, bool force)
{
	char net[NET_TEXT], entry[NET_TEXT];
	struct net found;
	__u32 flags = allowlist_objects(p, of, &found);

	net_format(of, net);
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

/*
 * A ban that ends later stays, but for --force, which it is to have then, too.
 * --shorten overrules whoever else wants it.
 */
static int write_ban(struct adding *a)
{
	struct ban_row *row = &a->row;
	int err;

	if (a->shorten) {
		ban_claims_drop(&a->p, &row->net);
		return banlist_put(&a->p, &row->net, &row->ban);
	}
	err = owners_claim(&a->p, row, &a->now);
	if (err <= 0)
		return err;
	a->kept = true;
	err = banlist_get(&a->p, &row->net, &row->ban);
	if (err || !a->force)
		return err;
	row->ban.flags |= BAN_FORCED;
	return banlist_put(&a->p, &row->net, &row->ban);
}

static int add_locked(struct adding *a)
{
	int err = clock_read(a->p.prog[PROG_CLOCK], &a->now);
	struct ban_row *row = &a->row;
	struct ban_args *args = &a->args;

	if (err)
		return fail("cannot read the kernel's clock: %s",
			    strerror(-err));
	if (!args->seconds)
		args->seconds =
			settings_now(&a->p)->policy[POLICY_PLAIN].ban_sec;
	row->ban = (struct ban){
		.expires = a->now.jiffies + args->seconds * clock_hz(),
		.since = a->now.boot_ns,
		.len = row->net.len,
		.flags = a->force ? BAN_FORCED : 0,
		.window = args->owner,
	};
	strcpy(row->ban.reason, args->reason);
	if (args->owner)
		owner_name_put(&a->p, args->owner, args->owner_name);
	err = write_ban(a);
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

static void tell_added(struct adding *a, int cut)
{
	char net[NET_TEXT], duration[DURATION_TEXT], text[CUT_TEXT];
	struct ban_claims claims = {};
	json_t *doc;
	uint64_t left = clock_until(&a->now, a->row.ban.expires);

	ban_claims_look(&a->p, a->now.jiffies, &claims);
	doc = ban_json(&a->p, &a->row, &claims, &a->now);
	free(claims.rows);
	net_format(&a->row.net, net);
	cut_text(cut, text);
	json_object_set_new(doc, "connections_cut",
			    cut < 0 ? json_null() : json_integer(cut));
	json_object_set_new(doc, "kept", json_boolean(a->kept));
	if (a->kept)
		output_done(doc,
			    "%s is banned for longer already, for %s: that "
			    "stays (--shorten ends it sooner)%s",
			    net, duration_format(left, duration), text);
	else
		output_done(doc, "banned %s for %s%s", net,
			    duration_format(a->args.seconds, duration), text);
}

static int add(const struct globals *g, int argc, char **argv)
{
	struct adding a = { .args = { .reason = "by command" } };
	int err = parse(g, argc, argv, &a), lock, cut;
	bool here;

	if (err)
		return err;
	lock = pins_open_locked(&a.p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	a.row.net = ban_target_net(&a.p, &a.args.target);
	here = daemon_is_here(&a.p);
	/* The daemon keeps the host's addresses up to date, but may be down. */
	if (here)
		allowlist_sync_host(&a.p);
	err = refuse(&a.p, &a.row.net, a.force);
	if (!err)
		err = add_locked(&a);
	pins_unlock(lock);
	if (!err) {
		cut = cut_all(&a.p, &a.row.net, here);
		state_save_command(&a.p, true);
		if (!a.kept)
			journal_record(
				&(struct record){ .kind = MESSAGE_BAN,
						  .net = &a.row.net,
						  .duration = a.args.seconds,
						  .reason = a.args.reason });
		tell_added(&a, cut);
	}
	pins_close(&a.p);
	return err;
}

const struct cmd cmd_ban_add = {
	.name = "add",
	.fn = add,
	.args = "ADDR[/LEN]",
	.help = "ban an address (the client it is of) or a network",
	.options = options,
};

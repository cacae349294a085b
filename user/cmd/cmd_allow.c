// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp allow: list, add, del. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "maps/clients_map.h"
#include "cmd/cmd.h"
#include "config/config_values.h"
#include "maps/pins.h"
#include "tell/journal.h"
#include "base/output.h"
#include "state/state.h"

static int list_one(const struct net *net, __u32 flags, void *ctx)
{
	char text[NET_TEXT];

	return json_array_append_new(
		ctx, json_pack("{s:s, s:s}", "net", net_format(net, text),
			       "origin", allow_origin(flags)));
}

static int allow_list(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = { { "NETWORK", "net", 0 },
						 { "ORIGIN", "origin", 0 },
						 {} };
	int err = cmd_arguments(g, argc, argv);
	json_t *rows = json_array();
	struct pins p;

	if (!err && pins_open(&p, g->pin_dir))
		err = EXIT_FAILURE;
	else if (!err) {
		if (allow_map_each(&p, list_one, rows))
			err = fail("cannot read the allowlist");
		else
			output_rows(rows, columns, "nobody is allowlisted");
		pins_close(&p);
	}
	json_decref(rows);
	return err;
}

static int parse(const struct globals *g, int argc, char **argv,
		 struct net *net)
{
	char why[CONFIG_ERROR_SIZE];

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	return net_parse(argv[optind], net, why, sizeof(why)) ?
		       usage("%s", why) :
		       0;
}

static int allow_add(const struct globals *g, int argc, char **argv)
{
	int err, lock, lifted = 0;
	char text[NET_TEXT];
	struct net net;
	struct pins p;

	err = parse(g, argc, argv, &net);
	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	net = host_inside(&p, &net);
	err = allowlist_add(&p, &net, ALLOW_COMMAND);
	if (!err)
		lifted = allowlist_lift(&p, &net, 1);
	pins_unlock(lock);
	state_save_command(&p, true);
	net_format(&net, text);
	if (err == -ENOSPC)
		err = fail("the allowlist is full");
	else if (err || lifted < 0)
		err = fail("cannot allowlist %s: %s", text,
			   strerror(err ? -err : -lifted));
	else {
		journal_record(
			&(struct record){ .kind = MESSAGE_ALLOW, .net = &net });
		output_done(json_pack("{s:s, s:i}", "allowed", text, "unbanned",
				      lifted),
			    "allowlisted %s, %d ban%s lifted", text, lifted,
			    lifted == 1 ? "" : "s");
	}
	pins_close(&p);
	return err;
}

static int not_removable(struct pins *p, const struct net *net)
{
	char text[NET_TEXT], wider[NET_TEXT];
	struct net found;
	__u32 flags = allowlist_find(p, net, &found);

	net_format(net, text);
	if (!flags)
		return fail("%s is not allowlisted", text);
	net_format(&found, wider);
	if (flags & ALLOW_COMMAND)
		return fail("%s is not allowlisted itself, but within %s", text,
			    wider);
	if (flags & ALLOW_CONFIG)
		return fail("%s is allowlisted by %s of the key allow: change "
			    "that with smtpxdp config set allow",
			    text, wider);
	if (flags & ALLOW_PROXY)
		return fail("%s is a proxy by %s of the key proxies: change "
			    "that with smtpxdp config set proxies",
			    text, wider);
	return fail("%s is %s and always allowlisted; smtpxdp ban add --force "
		    "bans it all the same",
		    text, allow_origin(flags));
}

static int allow_del(const struct globals *g, int argc, char **argv)
{
	char text[NET_TEXT];
	struct net net;
	struct pins p;
	int err, lock;

	err = parse(g, argc, argv, &net);
	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	net = host_inside(&p, &net);
	err = allowlist_del(&p, &net, ALLOW_COMMAND);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (err == -ENOENT) {
		err = not_removable(&p, &net);
	} else if (err) {
		err = fail("cannot change the allowlist: %s", strerror(-err));
	} else {
		journal_record(&(struct record){ .kind = MESSAGE_DISALLOW,
						 .net = &net });
		net_format(&net, text);
		output_done(json_pack("{s:s}", "disallowed", text),
			    "%s is not allowlisted any more", text);
	}
	pins_close(&p);
	return err;
}

static const struct cmd list = {
	.name = "list",
	.fn = allow_list,
	.args = "",
	.help = "who is never counted nor dropped",
};
static const struct cmd add = {
	.name = "add",
	.fn = allow_add,
	.args = "ADDR[/LEN]",
	.help = "allowlist, and lift the bans within",
};
static const struct cmd del = {
	.name = "del",
	.fn = allow_del,
	.args = "ADDR[/LEN]",
	.help = "take off the allowlist",
};
static const struct cmd *const commands[] = { &list, &add, &del, NULL };

const struct cmd cmd_allow = {
	.name = "allow",
	.args = "",
	.help = "the allowlist",
	.commands = commands,
	.quiet = true,
};

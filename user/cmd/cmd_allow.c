// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp allow: list, add, del. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/host_name.h"
#include "lists/allow_names.h"
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

	flags &= ~ALLOW_NAME; /* list_name() has a row for it */
	return flags ? json_array_append_new(
			       ctx,
			       json_pack("{s:s, s:s, s:n, s:n, s:n, s:n}",
					 "net", net_format(net, text), "origin",
					 allow_origin(flags), "name",
					 "answered", "next", "error")) :
		       0;
}

static json_t *time_of(uint64_t boot_ns)
{
	char text[CLOCK_TEXT];

	return boot_ns ? json_string(clock_format_boot(boot_ns, text)) :
			 json_null();
}

/* A row of a name: with one of its addresses, or where it has none, NULL. */
static void list_address(const struct allow_name_row *row,
			 const struct addr *addr, json_t *rows)
{
	const struct allow_name *n = &row->entry;
	char text[NET_TEXT];
	struct net net;

	if (addr)
		net = net_of(addr, ADDR_BITS);
	json_array_append_new(
		rows,
		json_pack("{s:s?, s:s, s:s, s:o, s:o, s:s?}", "net",
			  addr ? net_format(&net, text) : NULL, "origin",
			  allow_origin(ALLOW_NAME), "name", row->name.text,
			  "answered", time_of(n->answered), "next",
			  time_of(n->next), "error",
			  n->fault ? dns_fault_text(n->fault) : NULL));
}

static void list_name(const struct allow_name_row *row, json_t *rows)
{
	const struct name_addrs *f = row->entry.family;

	for (int v6 = 0; v6 < 2; v6++)
		for (__u32 i = 0; i < f[v6].n && i < NAME_ADDRS_MAX; i++)
			list_address(row, &f[v6].addr[i], rows);
	if (!f[0].n && !f[1].n)
		list_address(row, NULL, rows);
}

/* Returns how many names there are. */
static size_t list_names(const struct pins *p, json_t *rows)
{
	struct allow_name_row *names = calloc(ALLOW_NAMES_MAX, sizeof(*names));
	size_t n = names ? allow_names_read(p, names) : 0;

	for (size_t i = 0; i < n; i++)
		list_name(&names[i], rows);
	free(names);
	return n;
}

static int allow_list(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = { { "NETWORK", "net", 0 },
						 { "ORIGIN", "origin", 0 },
						 {} };
	static const struct column with_names[] = {
		{ "NETWORK", "net", 0 },
		{ "ORIGIN", "origin", 0 },
		{ "NAME", "name", 0 },
		{ "NEXT LOOKUP", "next", 0 },
		{ "ERROR", "error", COLUMN_TEXT },
		{}
	};
	int err = cmd_arguments(g, argc, argv);
	json_t *rows = json_array();
	struct pins p;

	if (!err && pins_open(&p, g->pin_dir))
		err = EXIT_FAILURE;
	else if (!err) {
		if (allow_map_each(&p, list_one, rows))
			err = fail("cannot read the allowlist");
		else
			output_rows(rows,
				    list_names(&p, rows) ? with_names : columns,
				    "nobody is allowlisted");
		pins_close(&p);
	}
	json_decref(rows);
	return err;
}

static int parse(const struct globals *g, int argc, char **argv,
		 struct net *net)
{
	char why[CONFIG_ERROR_SIZE];
	struct host_name name;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	if (!net_parse(argv[optind], net, why, sizeof(why)))
		return 0;
	if (is_host_name_like(argv[optind]) &&
	    !host_name_parse(argv[optind], &name, NULL, 0))
		return usage("%s is a name: names stand in the key allow "
			     "(smtpxdp config set allow)",
			     name.text);
	return usage("%s", why);
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
	if (flags & ALLOW_NAME)
		return fail("%s is the address of a name of the key allow: "
			    "smtpxdp allow list tells of which one",
			    text);
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

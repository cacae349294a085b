// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban del, ban flush. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "cmd/ban_args.h"
#include "maps/clients_map.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "base/output.h"
#include "state/state.h"

/* Complains; where the ban is of a wider network, it names that one. */
static int not_banned(struct pins *p, const struct ban_args *a)
{
	char net[NET_TEXT], wider[NET_TEXT];
	struct clock_pair now;
	struct ban_row row;

	net_format(&a->net, net);
	if (!clock_read(p->prog[PROG_CLOCK], &now) &&
	    !banlist_find(p, &a->net, &now, &row))
		return fail("%s is not banned itself, but within %s", net,
			    net_format(&row.net, wider));
	return fail("%s is not banned", net);
}

static const struct cmd_option del_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget the offences of the clients in it, too" },
	{}
};
static const struct cmd_option flush_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget all offences of everybody, too" },
	{}
};

static int parse_forgive(const struct globals *g, int argc, char **argv,
			 bool *forgive)
{
	int c;

	while ((c = cmd_option(g, argc, argv)) > 0)
		*forgive = true;
	return c ? EXIT_USAGE : 0;
}

struct lifted {
	bool ban;
	int past; /* clients whose offences were forgotten, or -errno */
};

/* Returns -ENOENT where there is neither a ban nor an offence. */
static int lift(struct pins *p, const struct net *net, bool forgive,
		struct lifted *l)
{
	int err = banlist_del(p, net);

	l->ban = !err;
	if (!forgive || (err && err != -ENOENT))
		return err;
	l->past = history_forget(p, net);
	return l->past < 0 ? l->past : l->past ? 0 : err;
}

static void tell_lifted(const struct net *lifted, bool forgive,
			const struct lifted *l)
{
	struct record r = { .kind = MESSAGE_UNBAN, .net = lifted };
	char net[NET_TEXT];
	json_t *doc;

	net_format(lifted, net);
	if (l->ban)
		journal_record(&r);
	r.kind = MESSAGE_FORGIVE;
	if (l->past)
		journal_record(&r);
	doc = json_pack("{s:o}", "unbanned",
			l->ban ? json_string(net) : json_null());
	if (!forgive) {
		output_done(doc, "unbanned %s", net);
		return;
	}
	json_object_set_new(doc, "forgiven", json_integer(l->past));
	output_done(doc, "%s %s; offences of %d client%s are forgotten",
		    l->ban ? "unbanned" : "there was no ban of", net, l->past,
		    l->past == 1 ? "" : "s");
}

static int del(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = {};
	bool forgive = false;
	int err = parse_forgive(g, argc, argv, &forgive), lock;
	struct lifted l = {};
	struct pins p;

	if (!err)
		err = ban_parse_net(argv[optind], &a);
	if (err)
		return err;
	lock = ban_open_locked(g, &a, &p);
	if (lock < 0)
		return EXIT_FAILURE;
	err = lift(&p, &a.net, forgive, &l);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (err == -ENOENT)
		err = not_banned(&p, &a);
	else if (err)
		err = fail("cannot remove the ban: %s", strerror(-err));
	else
		tell_lifted(&a.net, forgive, &l);
	pins_close(&p);
	return err;
}

struct flush {
	struct pins *p;
	json_int_t n;
};

static int flush_one(const struct ban_row *row, void *ctx)
{
	struct flush *f = ctx;

	if (!banlist_remove(f->p, &row->net)) {
		journal_record(&(struct record){ .kind = MESSAGE_UNBAN,
						 .net = &row->net });
		f->n++;
	}
	return 0;
}

static int flush_all(struct pins *p, bool forgive, json_int_t *n)
{
	static const struct net everybody;
	struct flush f = { .p = p };
	int err = banlist_each(p, flush_one, &f);

	if (!err)
		clients_forget_banned(p);
	if (!err && forgive)
		err = history_forget(p, &everybody);
	*n = f.n;
	return err < 0 ? err : 0;
}

static int flush(const struct globals *g, int argc, char **argv)
{
	bool forgive = false;
	int err = parse_forgive(g, argc, argv, &forgive), lock;
	struct pins p;
	json_int_t n;

	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	err = flush_all(&p, forgive, &n);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (err)
		err = fail("cannot walk the ban list: %s", strerror(-err));
	else
		output_done(json_pack("{s:I}", "unbanned", n), "%lld unbanned",
			    (long long)n);
	pins_close(&p);
	return err;
}

const struct cmd cmd_ban_del = {
	.name = "del",
	.fn = del,
	.args = "ADDR[/LEN]",
	.help = "unban, and forget the clients' failures",
	.options = del_options,
};

const struct cmd cmd_ban_flush = {
	.name = "flush",
	.fn = flush,
	.args = "",
	.help = "unban everybody",
	.options = flush_options,
};

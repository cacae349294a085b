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
static int not_banned(struct pins *p, const struct net *of)
{
	char net[NET_TEXT], wider[NET_TEXT];
	struct clock_pair now;
	struct ban_row row;

	net_format(of, net);
	if (!clock_read(p->prog[PROG_CLOCK], &now) &&
	    !banlist_find(p, of, &now, &row))
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

/* Tells the journal. */
static void record_lifted(const struct net *net, const struct lifted *l)
{
	struct record r = { .kind = MESSAGE_UNBAN, .net = net };

	if (l->ban)
		journal_record(&r);
	r.kind = MESSAGE_FORGIVE;
	if (l->past)
		journal_record(&r);
}

static void tell_lifted(const struct net *lifted, bool forgive,
			const struct lifted *l)
{
	char net[NET_TEXT];
	json_t *doc;

	net_format(lifted, net);
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

struct deleting {
	struct pins p;
	struct ban_targets targets;
	bool forgive;
	struct lifted one; /* of a single target, and its network */
	struct net net;
	json_t *unbanned, *not_banned; /* of many */
	int forgiven;
};

static int report_one(struct deleting *d, int err)
{
	if (err == -ENOENT)
		return not_banned(&d->p, &d->net);
	if (err)
		return fail("cannot remove the ban: %s", strerror(-err));
	record_lifted(&d->net, &d->one);
	tell_lifted(&d->net, d->forgive, &d->one);
	return 0;
}

/* Lifts them; that one of many is not banned is no error. */
static int lift_many(struct deleting *d)
{
	char text[NET_TEXT];
	int err = 0;

	d->unbanned = json_array();
	d->not_banned = json_array();
	for (size_t i = 0; i < d->targets.n; i++) {
		struct lifted l = {};

		d->net = ban_target_net(&d->p, &d->targets.list[i]);
		err = lift(&d->p, &d->net, d->forgive, &l);
		if (err && err != -ENOENT)
			return err;
		json_array_append_new(l.ban ? d->unbanned : d->not_banned,
				      json_string(net_format(&d->net, text)));
		record_lifted(&d->net, &l);
		d->forgiven += l.past;
	}
	return 0;
}

static int report_many(struct deleting *d, int err)
{
	size_t lifted = json_array_size(d->unbanned);
	size_t rest = json_array_size(d->not_banned);
	char net[NET_TEXT];
	json_t *doc = json_pack("{s:o, s:o}", "unbanned", d->unbanned,
				"not_banned", d->not_banned);

	if (d->forgive)
		json_object_set_new(doc, "forgiven", json_integer(d->forgiven));
	output_done(doc, "%zu unbanned, %zu had no ban", lifted, rest);
	return err ? fail("cannot remove the ban of %s, and of those behind "
			  "it: %s",
			  net_format(&d->net, net), strerror(-err)) :
		     0;
}

static int del_all(struct deleting *d, const char *pin_dir, bool many)
{
	int lock = pins_open_locked(&d->p, pin_dir), err;

	if (lock < 0)
		return EXIT_FAILURE;
	if (many) {
		err = lift_many(d);
	} else {
		d->net = ban_target_net(&d->p, &d->targets.list[0]);
		err = lift(&d->p, &d->net, d->forgive, &d->one);
	}
	pins_unlock(lock);
	state_save_command(&d->p, true);
	err = many ? report_many(d, err) : report_one(d, err);
	pins_close(&d->p);
	return err;
}

static int del(const struct globals *g, int argc, char **argv)
{
	struct deleting d = {};
	int err = parse_forgive(g, argc, argv, &d.forgive);
	int n = argc - optind;

	if (!err)
		err = ban_parse_targets(n, argv + optind, &d.targets);
	if (!err)
		err = del_all(&d, g->pin_dir,
			      n > 1 || !strcmp(argv[optind], "-"));
	free(d.targets.list);
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
	.args = "ADDR[/LEN]...|-",
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

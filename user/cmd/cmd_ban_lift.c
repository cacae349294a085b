// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban: del, flush. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "cmd/cmd_ban.h"
#include "maps/clients_map.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "base/output.h"
#include "state/state.h"

/* The ban is of a wider network than what was named: say which. */
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

static int parse_forgive(int argc, char **argv, struct ban_args *a)
{
	static const struct option options[] = {
		{ "forgive", no_argument, NULL, 'f' }, {}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == '?')
			return bad_option(argv);
		a->forgive = true;
	}
	return 0;
}

struct lifted {
	bool ban;
	int past; /* clients whose offences were forgotten, or -errno */
};

/* -ENOENT if there is neither. */
static int lift(struct pins *p, const struct ban_args *a, struct lifted *l)
{
	int err = banlist_del(p, &a->net);

	l->ban = !err;
	if (!a->forgive || (err && err != -ENOENT))
		return err;
	l->past = history_forget(p, &a->net);
	return l->past < 0 ? l->past : l->past ? 0 : err;
}

static void tell_lifted(const struct ban_args *a, const struct lifted *l)
{
	struct record r = { .kind = MESSAGE_UNBAN, .net = &a->net };
	char net[NET_TEXT];
	json_t *doc;

	net_format(&a->net, net);
	if (l->ban)
		journal_record(&r);
	r.kind = MESSAGE_FORGIVE;
	if (l->past)
		journal_record(&r);
	doc = json_pack("{s:o}", "unbanned",
			l->ban ? json_string(net) : json_null());
	if (!a->forgive) {
		output_done(doc, "unbanned %s", net);
		return;
	}
	json_object_set_new(doc, "forgiven", json_integer(l->past));
	output_done(doc, "%s %s; offences of %d client%s are forgotten",
		    l->ban ? "unbanned" : "there was no ban of", net, l->past,
		    l->past == 1 ? "" : "s");
}

int ban_del(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = {};
	int err = parse_forgive(argc, argv, &a), lock;
	struct lifted l = {};
	struct pins p;

	if (!err && optind + 1 != argc)
		err = usage("ban del takes one address or network");
	if (!err)
		err = ban_parse_net(argv[optind], &a);
	if (err)
		return err;
	lock = ban_open_locked(g, &a, &p);
	if (lock < 0)
		return EXIT_FAILURE;
	err = lift(&p, &a, &l);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (err == -ENOENT)
		err = not_banned(&p, &a);
	else if (err)
		err = fail("cannot remove the ban: %s", strerror(-err));
	else
		tell_lifted(&a, &l);
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

int ban_flush(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = {};
	int err = parse_forgive(argc, argv, &a), lock;
	struct pins p;
	json_int_t n;

	if (!err && optind < argc)
		err = usage("ban flush: unexpected argument '%s'",
			    argv[optind]);
	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	err = flush_all(&p, a.forgive, &n);
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

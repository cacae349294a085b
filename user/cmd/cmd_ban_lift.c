// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban del, ban flush. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/banlist.h"
#include "lists/owners.h"
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
	if (a->owner)
		return fail("%s is not banned for this owner", net);
	if (!clock_read(p->prog[PROG_CLOCK], &now) &&
	    !banlist_find(p, &a->net, &now, &row))
		return fail("%s is not banned itself, but within %s", net,
			    net_format(&row.net, wider));
	return fail("%s is not banned", net);
}

static const struct cmd_option del_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget the offences of the clients in it, too" },
	BAN_OPTION_OWNER("take back what this one wants; others may want it "
			 "still"),
	{}
};
static const struct cmd_option flush_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget all offences of everybody, too" },
	BAN_OPTION_OWNER("only what this one wants, and nobody else"),
	{}
};

static int parse(const struct globals *g, int argc, char **argv, bool *forgive,
		 struct ban_args *a)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 'o')
			err = ban_parse_owner("--owner", optarg, a);
		else
			*forgive = true;
	}
	return err || c ? EXIT_USAGE : 0;
}

struct lifted {
	bool ban;
	bool wanted; /* by others than the owner who took his share back */
	int past; /* clients whose offences were forgotten, or -errno */
};

/* Takes back an owner's share: 1, 0 or -errno as owners_release(). */
static int take_back(struct pins *p, const struct net *net, __u32 owner)
{
	struct ban_claims claims = {};
	struct clock_pair now;
	int err = clock_read(p->prog[PROG_CLOCK], &now);

	if (!err)
		err = ban_claims_read(p, now.jiffies, &claims);
	if (!err)
		err = owners_release(p, net, owner, &claims);
	if (err == 1)
		clients_forget(p, net);
	free(claims.rows);
	return err;
}

/* Returns -ENOENT where there is neither a ban nor an offence. */
static int lift(struct pins *p, const struct ban_args *a, bool forgive,
		struct lifted *l)
{
	const struct net *net = &a->net;
	int err = a->owner ? take_back(p, net, a->owner) : banlist_del(p, net);

	l->wanted = a->owner && !err;
	l->ban = !l->wanted && err >= 0;
	err = err > 0 ? 0 : err;
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
	json_object_set_new(doc, "wanted", json_boolean(l->wanted));
	if (!forgive) {
		output_done(doc,
			    l->wanted ? "%s stays banned: others want it" :
					"unbanned %s",
			    net);
		return;
	}
	json_object_set_new(doc, "forgiven", json_integer(l->past));
	output_done(doc, "%s %s; offences of %d client%s are forgotten",
		    l->ban    ? "unbanned" :
		    l->wanted ? "others want the ban of" :
				"there was no ban of",
		    net, l->past, l->past == 1 ? "" : "s");
}

static int del(const struct globals *g, int argc, char **argv)
{
	struct ban_args a = {};
	bool forgive = false;
	int err = parse(g, argc, argv, &forgive, &a), lock;
	struct lifted l = {};
	struct pins p;

	if (!err)
		err = ban_parse_net(argv[optind], &a);
	if (err)
		return err;
	lock = ban_open_locked(g, &a, &p);
	if (lock < 0)
		return EXIT_FAILURE;
	err = lift(&p, &a, forgive, &l);
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

static void tell_unbanned(struct flush *f, const struct net *net)
{
	journal_record(&(struct record){ .kind = MESSAGE_UNBAN, .net = net });
	f->n++;
}

static int flush_one(const struct ban_row *row, void *ctx)
{
	struct flush *f = ctx;

	if (!banlist_remove(f->p, &row->net))
		tell_unbanned(f, &row->net);
	return 0;
}

static int flush_all(struct flush *f)
{
	int err;

	ban_claims_drop(f->p, NULL);
	err = banlist_each(f->p, flush_one, f);
	if (!err)
		clients_forget_banned(f->p);
	return err;
}

/* Takes back all that one owner wants. */
static int flush_owner(struct flush *f, __u32 owner)
{
	struct owned o = { .owner = owner };
	struct ban_claims claims = {};
	struct clock_pair now;
	int err = clock_read(f->p->prog[PROG_CLOCK], &now);

	if (!err)
		err = ban_claims_read(f->p, now.jiffies, &claims);
	if (!err)
		err = owners_list(f->p, &claims, &o);
	for (size_t i = 0; i < o.n && err >= 0; i++) {
		err = owners_release(f->p, &o.nets[i], owner, &claims);
		if (err == 1)
			tell_unbanned(f, &o.nets[i]);
		err = err == -ENOENT ? 0 : err;
	}
	free(claims.rows);
	free(o.nets);
	return err < 0 ? err : 0;
}

static int flush(const struct globals *g, int argc, char **argv)
{
	static const struct net everybody;
	struct ban_args a = {};
	bool forgive = false;
	int err = parse(g, argc, argv, &forgive, &a), lock;
	struct pins p;
	struct flush f = { .p = &p };

	if (!err && forgive && a.owner)
		err = usage("--forgive is for everybody, --owner is not");
	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	err = a.owner ? flush_owner(&f, a.owner) : flush_all(&f);
	if (!err && forgive)
		err = history_forget(&p, &everybody);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (err < 0)
		err = fail("cannot walk the ban list: %s", strerror(-err));
	else
		output_done(json_pack("{s:I}", "unbanned", f.n),
			    "%lld unbanned", (long long)f.n);
	pins_close(&p);
	return err > 0 ? 0 : err;
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

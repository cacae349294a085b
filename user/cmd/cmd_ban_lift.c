// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp ban del, ban flush. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/escape.h"
#include "lists/banlist.h"
#include "lists/owners.h"
#include "cmd/ban_args.h"
#include "maps/clients_map.h"
#include "maps/history_map.h"
#include "tell/journal.h"
#include "base/output.h"
#include "state/state.h"

/* Complains; where the ban is of a wider network, it names that one. */
static int not_banned(struct pins *p, const struct net *of, __u32 owner)
{
	char net[NET_TEXT], wider[NET_TEXT];
	struct clock_pair now;
	struct ban_row row;

	net_format(of, net);
	if (owner)
		return fail("%s is not banned for this owner", net);
	if (!clock_read(p->prog[PROG_CLOCK], &now) &&
	    !banlist_find(p, of, &now, &row))
		return fail("%s is not banned itself, but within %s", net,
			    net_format(&row.net, wider));
	return fail("%s is not banned", net);
}

static const struct cmd_option del_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget the offences of the clients in it, too" },
	BAN_OPTION_OWNER("take back what this one wants; others may want it "
			 "still"),
	{ 'p', false, "plain", NULL, false,
	  "standard input is of ban list --plain: take back what the owner of "
	  "each line wants" },
	{}
};
static const struct cmd_option flush_options[] = {
	{ 'f', false, "forgive", NULL, false,
	  "forget all offences of everybody, too" },
	BAN_OPTION_OWNER("only what this one wants, and nobody else"),
	{}
};

struct lift_args {
	struct ban_args ban; /* the owner */
	bool forgive;
	bool plain; /* lines of ban list --plain */
};

static int parse(const struct globals *g, int argc, char **argv,
		 struct lift_args *a)
{
	int c, err = 0;

	while (!err && (c = cmd_option(g, argc, argv)) > 0) {
		if (c == 'o')
			err = ban_parse_owner("--owner", optarg, &a->ban);
		else if (c == 'p')
			a->plain = true;
		else
			a->forgive = true;
	}
	return err || c ? EXIT_USAGE : 0;
}

struct lifted {
	bool ban;
	bool wanted; /* by others than the owner who took his share back */
	int past; /* clients whose offences were forgotten, or -errno */
};

/* Takes back an owner's share: 1, 0 or -errno as owners_release(). */
static int take_back(struct pins *p, const struct net *net, __u32 owner,
		     struct ban_claims *claims)
{
	int err = owners_release(p, net, owner, claims);

	if (err == 1)
		clients_forget(p, net);
	return err;
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

struct deleting {
	struct pins p;
	struct ban_targets targets;
	struct lift_args args;
	struct ban_claims claims; /* where an owner takes back his share */
	struct lifted one; /* of a single target, and its network */
	struct net net;
	json_t *unbanned, *not_banned, *wanted; /* of many */
	int forgiven;
};

/* Lifts d->net. -ENOENT: there is neither a ban of it nor an offence. */
static int lift(struct deleting *d, __u32 owner, struct lifted *l)
{
	bool share = owner || d->args.plain;
	int err = share ? take_back(&d->p, &d->net, owner, &d->claims) :
			  banlist_del(&d->p, &d->net);

	l->wanted = share && !err;
	l->ban = !l->wanted && err >= 0;
	err = err > 0 ? 0 : err;
	if (!d->args.forgive || (err && err != -ENOENT))
		return err;
	l->past = history_forget(&d->p, &d->net);
	return l->past < 0 ? l->past : l->past ? 0 : err;
}

static int read_claims(struct deleting *d)
{
	struct clock_pair now;
	int err;

	if (!d->args.ban.owner && !d->args.plain)
		return 0;
	err = clock_read(d->p.prog[PROG_CLOCK], &now);
	return err ? err : ban_claims_read(&d->p, now.jiffies, &d->claims);
}

static int report_one(struct deleting *d, int err)
{
	if (err == -ENOENT)
		return not_banned(&d->p, &d->net, d->args.ban.owner);
	if (err)
		return fail("cannot remove the ban: %s", strerror(-err));
	record_lifted(&d->net, &d->one);
	tell_lifted(&d->net, d->args.forgive, &d->one);
	return 0;
}

/* Lifts them; that one of many is not banned is no error. */
static int lift_many(struct deleting *d)
{
	char text[NET_TEXT];
	int err = 0;

	d->unbanned = json_array();
	d->not_banned = json_array();
	d->wanted = json_array();
	for (size_t i = 0; i < d->targets.n; i++) {
		const struct ban_target *t = &d->targets.list[i];
		struct lifted l = {};

		d->net = ban_target_net(&d->p, t);
		err = lift(d, d->args.plain ? t->owner : d->args.ban.owner, &l);
		if (err && err != -ENOENT)
			return err;
		json_array_append_new(l.ban    ? d->unbanned :
				      l.wanted ? d->wanted :
						 d->not_banned,
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
	json_t *doc =
		json_pack("{s:o, s:o, s:o}", "unbanned", d->unbanned,
			  "not_banned", d->not_banned, "wanted", d->wanted);

	if (d->args.forgive)
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
	if (!many)
		d->net = ban_target_net(&d->p, &d->targets.list[0]);
	err = read_claims(d);
	if (!err)
		err = many ? lift_many(d) : lift(d, d->args.ban.owner, &d->one);
	free(d->claims.rows);
	pins_unlock(lock);
	state_save_command(&d->p, true);
	err = many ? report_many(d, err) : report_one(d, err);
	pins_close(&d->p);
	return err;
}

static int del(const struct globals *g, int argc, char **argv)
{
	struct deleting d = {};
	int err = parse(g, argc, argv, &d.args);
	int n = argc - optind;

	if (!err && d.args.plain && (n > 1 || strcmp(argv[optind], "-")))
		err = usage("--plain reads standard input: write -");
	if (!err && d.args.plain && d.args.ban.owner)
		err = usage("--plain: the lines say whose: leave away --owner");
	if (!err)
		err = d.args.plain ?
			      ban_read_plain(&d.targets) :
			      ban_parse_targets(n, argv + optind, &d.targets);
	if (!err)
		err = del_all(&d, g->pin_dir,
			      n > 1 || !strcmp(argv[optind], "-"));
	free(d.targets.list);
	return err;
}

/* Takes back all that one owner wants. */
static int flush_owner(struct pins *p, __u32 owner)
{
	struct owned o = { .owner = owner };
	struct ban_claims claims = {};
	struct clock_pair now;
	int err = clock_read(p->prog[PROG_CLOCK], &now), n = 0;

	if (!err)
		err = ban_claims_read(p, now.jiffies, &claims);
	if (!err)
		err = owners_list(p, &claims, &o);
	for (size_t i = 0; i < o.n && err >= 0; i++) {
		err = owners_release(p, &o.nets[i], owner, &claims);
		n += err == 1;
		err = err == -ENOENT ? 0 : err;
	}
	free(claims.rows);
	free(o.nets);
	return err < 0 ? err : n;
}

/* One message, though it may be a million bans. */
static void tell_flushed(const struct ban_args *a, int n)
{
	char name[ESCAPED_SIZE(BAN_REASON_SIZE)];

	if (a->owner)
		journal_note(MESSAGE_FLUSHED,
			     "%d ban%s of %s lifted by command", n,
			     n == 1 ? " is" : "s are",
			     printable(a->owner_name, strlen(a->owner_name),
				       name, sizeof(name)));
	else
		journal_note(MESSAGE_FLUSHED,
			     "all bans, %d, are lifted by command", n);
}

static int flush(const struct globals *g, int argc, char **argv)
{
	static const struct net everybody;
	struct lift_args a = {};
	int err = parse(g, argc, argv, &a), lock, n;
	struct pins p;

	if (!err && a.forgive && a.ban.owner)
		err = usage("--forgive is for everybody, --owner is not");
	if (err)
		return err;
	lock = pins_open_locked(&p, g->pin_dir);
	if (lock < 0)
		return EXIT_FAILURE;
	n = a.ban.owner ? flush_owner(&p, a.ban.owner) : banlist_clear(&p);
	if (n >= 0 && a.forgive)
		err = history_forget(&p, &everybody);
	pins_unlock(lock);
	state_save_command(&p, true);
	if (n > 0)
		tell_flushed(&a.ban, n);
	if (n < 0 || err < 0)
		err = fail("cannot walk the ban list: %s",
			   strerror(n < 0 ? -n : -err));
	else
		output_done(json_pack("{s:i}", "unbanned", n), "%d unbanned",
			    n);
	pins_close(&p);
	return err > 0 ? 0 : err;
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

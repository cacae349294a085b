// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/cmd_complete.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "config/config_keys.h"
#include "lists/banlist.h"
#include "maps/allow_map.h"
#include "maps/clients_map.h"

/* Of a list, so many at most: nobody reads more. */
#define NETS_MAX 200

/* What stands before the word that is completed, and that word. */
struct asking {
	const struct cmd *const *cmds;
	const struct cmd_option *options; /* of every command */
	const char *pin_dir;
	const struct cmd *cmd, *own; /* "ban", "add"; or NULL */
	const struct cmd_option
		*option; /* its argument is completed; or NULL */
	int n_args; /* arguments before it */
	const char *last_arg;
	const char *word;
	int n_nets;
};

static void offer(const struct asking *a, const char *word, const char *help)
{
	if (!strncmp(word, a->word, strlen(a->word)))
		printf("%s\t%s\n", word, help);
}

static const struct cmd *find_command(const struct cmd *const *c,
				      const char *name)
{
	for (; c && *c; c++)
		if (!strcmp(c[0]->name, name))
			return *c;
	return NULL;
}

static const struct cmd_option *find_in(const struct cmd_option *o,
					const char *word)
{
	bool name = word[1] == '-';

	for (; o && o->name; o++)
		if (name ? !strcmp(word + 2, o->name) :
			   o->letter && word[1] == o->id && !word[2])
			return o;
	return NULL;
}

/* The command that options belong to. */
static const struct cmd *leaf(const struct asking *a)
{
	return a->own ?: a->cmd;
}

static const struct cmd_option *find_option(const struct asking *a,
					    const char *word)
{
	const struct cmd_option *o =
		leaf(a) ? find_in(leaf(a)->options, word) : NULL;

	return o ?: find_in(a->options, word);
}

static void take_word(struct asking *a, const char *word)
{
	if (!a->cmd) {
		a->cmd = find_command(a->cmds, word);
	} else if (a->cmd->commands && !a->own) {
		a->own = find_command(a->cmd->commands, word);
	} else {
		a->n_args++;
		a->last_arg = word;
	}
}

static void read_words(struct asking *a, int n, char **words)
{
	a->word = n ? words[n - 1] : "";
	for (int i = 0; i < n - 1; i++) {
		const struct cmd_option *o;

		if (*words[i] != '-') {
			take_word(a, words[i]);
			continue;
		}
		o = find_option(a, words[i]);
		if (!o || !o->arg)
			continue;
		if (++i == n - 1)
			a->option = o;
		else if (!strcmp(o->name, "pin"))
			a->pin_dir = words[i];
	}
}

static void offer_commands(const struct asking *a, const struct cmd *const *c)
{
	for (; *c; c++)
		offer(a, c[0]->name, c[0]->help);
}

static void offer_options(const struct asking *a, const struct cmd_option *o)
{
	char letter[] = "-?", name[32];

	for (; o && o->name; o++) {
		snprintf(name, sizeof(name), "--%s", o->name);
		offer(a, name, o->help);
		letter[1] = o->id;
		if (o->letter)
			offer(a, letter, o->help);
	}
}

static void offer_keys(const struct asking *a)
{
	for (int i = 0; i < KEYS_MAX; i++)
		offer(a, config_keys[i].name, config_keys[i].help);
}

/* "auto|off": one of these. */
static void offer_words(const struct asking *a, const char *words)
{
	char word[64];

	for (size_t n; *words; words += n + (words[n] == '|')) {
		n = strcspn(words, "|");
		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		offer(a, word, "");
	}
}

/* What the value of a key can be: one of its words, or the default. */
static void offer_values(const struct asking *a, const char *key)
{
	char why[CONFIG_ERROR_SIZE];
	enum config_key k = config_find(key, why, sizeof(why));
	const char *initial = k == KEYS_MAX ? "" : config_keys[k].initial;

	if (k != KEYS_MAX &&
	    (config_keys[k].words || !strcmp(config_keys[k].unit, "yes|no")))
		offer_words(a, config_keys[k].unit);
	else if (*initial)
		offer(a, initial, "the default");
}

static void offer_ifaces(const struct asking *a)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *i = all; i && i->if_index; i++)
		offer(a, i->if_name, "");
	if_freenameindex(all);
}

/* ---- addresses in the lists */

static bool offer_net(struct asking *a, const struct net *net)
{
	char text[NET_TEXT];

	net_format(net, text);
	if (!strcmp(a->cmd->name, "why")) /* asks for one address */
		*strchrnul(text, '/') = '\0';
	if (strncmp(text, a->word, strlen(a->word)))
		return a->n_nets >= NETS_MAX;
	printf("%s\t\n", text);
	return ++a->n_nets >= NETS_MAX;
}

static int offer_ban(const struct ban_row *row, void *ctx)
{
	return offer_net(ctx, &row->net);
}

static int offer_allowed(const struct net *net, __u32 flags, void *ctx)
{
	return flags & ALLOW_COMMAND ? offer_net(ctx, net) : 0;
}

static void offer_client(const struct net *net, const struct client *c,
			 void *ctx)
{
	if (c->failures)
		offer_net(ctx, net);
}

/* ban del: who is banned; allow del: who is allowed; else: who fails. */
static void offer_nets(struct asking *a)
{
	bool del = a->own && !strcmp(a->own->name, "del");
	struct pins p;

	if (pins_try_open(&p, a->pin_dir))
		return;
	if (del && !strcmp(a->cmd->name, "ban"))
		banlist_each(&p, offer_ban, a);
	else if (del)
		allow_map_each(&p, offer_allowed, a);
	else
		clients_each(&p, offer_client, a);
	pins_close(&p);
}

/* ---- what an argument is, by what its description calls it */

static bool is_called(const char *arg, const char *name)
{
	return !strncmp(arg, name, strlen(name));
}

static void offer_argument(struct asking *a, const char *arg)
{
	arg += *arg == '[';
	if (is_called(arg, "FILE") || is_called(arg, "CAPTURE"))
		puts(":file");
	else if (is_called(arg, "DIR"))
		puts(":folder");
	else if (is_called(arg, "HOST"))
		puts(":host");
	else if (is_called(arg, "IFACE"))
		offer_ifaces(a);
	else if (is_called(arg, "TIME"))
		offer_words(a, "10m|1h|12h|1d|7d");
	else if (is_called(arg, "NAME"))
		offer_words(a, "PLAIN|LOGIN|CRAM-MD5");
	else if (is_called(arg, "KEY"))
		offer_keys(a);
	else if (is_called(arg, "VALUE"))
		offer_values(a, a->last_arg);
	else if (is_called(arg, "ADDR"))
		offer_nets(a);
	else if (strchr(arg, '|'))
		offer_words(a, arg);
}

/* The nth argument of "KEY [VALUE]", from 0; of "ADDR..." any. */
static const char *nth_argument(const char *args, int n)
{
	while (n-- && !strstr(args, "...")) {
		args += strcspn(args, " ");
		args += strspn(args, " ");
	}
	return args;
}

void cmd_complete(const struct cmd *const *cmds,
		  const struct cmd_option *options, const char *pin_dir,
		  int n_words, char **words)
{
	struct asking a = { .cmds = cmds,
			    .options = options,
			    .pin_dir = pin_dir };

	read_words(&a, n_words, words);
	if (a.option) {
		offer_argument(&a, a.option->arg);
	} else if (!a.cmd) {
		offer_commands(&a, cmds);
		offer_options(&a, options);
	} else if (a.cmd->commands && !a.own) {
		offer_commands(&a, a.cmd->commands);
	} else {
		if (*a.word != '-')
			offer_argument(&a,
				       nth_argument(leaf(&a)->args, a.n_args));
		offer_options(&a, leaf(&a)->options);
	}
}

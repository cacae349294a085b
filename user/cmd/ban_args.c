// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/ban_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/duration.h"
#include "base/escape.h"
#include "base/output.h"
#include "config/config_values.h"
#include "lists/ban_file.h"
#include "lists/banlist.h"
#include "maps/clients_map.h"

int ban_parse_time(const char *s, struct ban_args *a)
{
	if (!duration_parse(s, &a->seconds) && a->seconds)
		return 0;
	return usage("--for %s: not a time like 90s, 1h or 7d, of 100 years at "
		     "most",
		     s);
}

int ban_parse_reason(const char *s, struct ban_args *a)
{
	const char *fault = reason_fault(s);

	if (fault)
		return usage("--reason: %s", fault);
	strcpy(a->reason, s);
	return 0;
}

int ban_parse_owner(const char *option, const char *s, struct ban_args *a)
{
	const char *fault = *s ? reason_fault(s) : "empty";

	if (fault)
		return usage("%s: the name is %s", option, fault);
	a->owner_name = s;
	a->owner = owner_id(s);
	return 0;
}

int ban_parse_target(const char *s, struct ban_target *t)
{
	char err[CONFIG_ERROR_SIZE];

	t->whole = !strchr(s, '/');
	if (net_parse(s, &t->net, err, sizeof(err)))
		return usage("%s", err);
	return 0;
}

static int add_target(struct ban_targets *t, const char *s)
{
	if (array_grow(&t->list, &t->room, t->n + 1, sizeof(*t->list)))
		return fail("no memory");
	return ban_parse_target(s, &t->list[t->n++]);
}

/* Addresses on standard input: as many words in a line as there are. */
static int read_targets(struct ban_targets *t)
{
	char *line = NULL, *word, *rest;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, stdin) >= 0) {
		rest = line;
		while (!err && (word = strsep(&rest, " \t\r\n")))
			if (*word)
				err = add_target(t, word);
	}
	free(line);
	return !err && ferror(stdin) ?
		       fail("cannot read standard input: %s", strerror(errno)) :
		       err;
}

int ban_parse_targets(int n, char *const *args, struct ban_targets *t)
{
	int err = 0;

	if (n == 1 && !strcmp(args[0], "-"))
		return read_targets(t);
	for (int i = 0; i < n && !err; i++)
		err = add_target(t, args[i]);
	return err;
}

int ban_read_plain(struct ban_targets *t)
{
	char why[ESCAPED_SIZE(BAN_FILE_WHY)];
	struct ban_file f;
	int err = ban_file_read(&f, stdin, true);

	if (err)
		err = fail("cannot read standard input: %s", strerror(-err));
	else if (f.wrong)
		err = fail("standard input:%zu: %s", f.faults[0].line,
			   printable(f.faults[0].why, strlen(f.faults[0].why),
				     why, sizeof(why)));
	else if (array_grow(&t->list, &t->room, f.n + 1, sizeof(*t->list)))
		err = fail("no memory");
	for (size_t i = 0; i < f.n && !err; i++)
		t->list[t->n++] = (struct ban_target){
			.net = f.entries[i].net,
			.whole = f.entries[i].whole,
			.owner = ban_entry_owner(&f.entries[i]),
		};
	ban_file_free(&f);
	return err;
}

struct net ban_target_net(const struct pins *p, const struct ban_target *t)
{
	return t->whole ? client_of(p, &t->net) : host_inside(p, &t->net);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp config: list, keys, get, set, reset, check. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lists/config_apply.h"
#include "cmd/cmd.h"
#include "config/config_command.h"
#include "config/config_file.h"
#include "cmd/config_session.h"
#include "lists/groups_plan.h"
#include "lists/groups_sources.h"
#include "tell/journal.h"
#include "base/output.h"
#include "maps/settings_map.h"
#include "sys/executable.h"

static json_t *key_json(const struct config *c, enum config_key k)
{
	const struct config_key_info *info = &config_keys[k];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "key",
			 info->name, "value", c->value[k], "default",
			 info->initial, "origin", config_origins[c->origin[k]],
			 "unit", info->unit, "restart", info->restart, "help",
			 info->help);
}

static int config_list(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "KEY", "key", 0 },	     { "VALUE", "value", 0 },
		{ "ORIGIN", "origin", 0 },   { "UNIT", "unit", 0 },
		{ "DEFAULT", "default", 0 }, {}
	};
	int err = cmd_arguments(g, argc, argv);
	json_t *rows = json_array();
	struct config_session s;

	if (!err)
		err = config_session_open(&s, g, false);
	else
		s = (struct config_session){ .lock = -1 };
	for (int k = 0; !err && k < KEYS_MAX; k++)
		json_array_append_new(rows, key_json(&s.c, k));
	if (!err)
		output_rows(rows, columns, "");
	json_decref(rows);
	config_session_close(&s);
	return err;
}

/* Prints the table of keys, which does not depend on this machine. */
static int config_list_keys(const struct globals *g, int argc, char **argv)
{
	static const struct column columns[] = { { "KEY", "key", 0 },
						 { "DEFAULT", "default", 0 },
						 { "UNIT", "unit", 0 },
						 { "HELP", "help",
						   COLUMN_TEXT },
						 {} };
	json_t *rows;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	rows = json_array();
	for (int k = 0; k < KEYS_MAX; k++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:b, s:s}", "key",
					config_keys[k].name, "default",
					config_keys[k].initial, "unit",
					config_keys[k].unit, "restart",
					config_keys[k].restart, "help",
					config_keys[k].help));
	output_rows(rows, columns, "");
	json_decref(rows);
	return 0;
}

static int find_key(const char *name, enum config_key *key)
{
	char why[CONFIG_ERROR_SIZE];

	*key = config_find(name, why, sizeof(why));
	return *key == KEYS_MAX ? usage("%s", why) : 0;
}

static int config_get(const struct globals *g, int argc, char **argv)
{
	enum config_key key;
	struct config_session s;
	int err;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	err = find_key(argv[optind], &key);
	if (err)
		return err;
	err = config_session_open(&s, g, false);
	if (!err)
		output_done(key_json(&s.c, key), "%s", s.c.value[key]);
	config_session_close(&s);
	return err;
}

struct change {
	enum config_key key;
	const char *value; /* NULL: the default */
	bool runtime; /* not in the file */
};

static int set_value(struct config_session *s, const struct change *ch)
{
	char why[CONFIG_ERROR_SIZE] = "out of memory";
	int err;

	if (ch->value)
		err = config_set(&s->c, ch->key, ch->value,
				 ch->runtime ? ORIGIN_RUNTIME : ORIGIN_FILE,
				 why, sizeof(why));
	else
		err = config_set(&s->c, ch->key, config_keys[ch->key].initial,
				 ORIGIN_DEFAULT, why, sizeof(why));
	return err ? usage("%s", why) : 0;
}

/* The program of on-event has to be one that may be run. */
static int check_program(const struct change *ch)
{
	char why[CONFIG_ERROR_SIZE];
	struct command cmd;
	int err = 0;

	if (ch->key != KEY_ON_EVENT || !ch->value ||
	    !command_split(ch->value, &cmd))
		return 0;
	if (executable_check(cmd.words[0], why, sizeof(why)))
		err = fail("on-event: %s", why);
	command_free(&cmd);
	return err;
}

/* The file is written first: a change that it cannot keep takes no effect. */
static int persist(struct config_session *s, const struct change *ch)
{
	char why[CONFIG_ERROR_SIZE];

	if (ch->runtime)
		return 0;
	return config_file_edit(s->path, ch->key, ch->value, why, sizeof(why)) ?
		       fail("%s", why) :
		       0;
}

static void keep_problem(const char *text, void *ctx)
{
	char *first = ctx;

	if (!*first)
		snprintf(first, GROUPS_PROBLEM_SIZE, "%s", text);
}

/* A list that cannot be read is refused if it is new, else stays as it was. */
static int read_groups(struct config_session *s, struct groups_plan *g)
{
	char problem[GROUPS_PROBLEM_SIZE] = "";
	int err;

	g->problem = keep_problem;
	g->ctx = problem;
	err = groups_read(g, &s->pins, &s->c, false);
	if (err || groups_lack(g))
		return fail("%s", *problem ? problem : strerror(-err));
	if (*problem)
		warn("%s; what it had before stays in force", problem);
	return 0;
}

static int put_in_force(struct config_session *s, const struct change *ch)
{
	bool groups = config_is_of_groups(ch->key);
	struct groups_plan g = {};
	int err = 0;

	if (!s->loaded)
		return 0;
	if (groups && read_groups(s, &g)) {
		groups_free(&g);
		return EXIT_FAILURE;
	}
	err = config_apply(&s->pins, &s->c);
	if (!err && groups)
		err = groups_put(&s->pins, &g);
	groups_free(&g);
	return err ? fail("cannot put it in force: %s", strerror(-err)) : 0;
}

static void report_change(struct config_session *s, const struct change *ch,
			  const char *old)
{
	const struct config_key_info *info = &config_keys[ch->key];
	const char *value = s->c.value[ch->key];
	const char *when = !s->loaded	 ? "; takes effect when smtpxdp runs" :
			   info->restart ? "; takes effect when the daemon is "
					   "restarted" :
					   "";

	if (s->loaded && strcmp(old, value))
		journal_note(MESSAGE_CONFIG_CHANGED, "%s: %s -> %s%s%s",
			     info->name, old, value,
			     ch->runtime ? " (until the next reload)" : "",
			     when);
	output_done(key_json(&s->c, ch->key), "%s = %s%s%s", info->name, value,
		    ch->runtime ? " (until the next reload)" : "", when);
}

static int change(const struct globals *g, const struct change *ch)
{
	struct change undo = *ch;
	struct config_session s;
	char *old = NULL;
	int err = config_session_open(&s, g, true);

	if (!err && ch->runtime && !s.loaded)
		err = fail("nothing is loaded at %s that --runtime could "
			   "change",
			   g->pin_dir);
	if (!err) {
		old = strdup(s.c.value[ch->key]);
		if (s.c.origin[ch->key] == ORIGIN_FILE)
			undo.value = old;
		else
			undo.value = NULL;
		err = old ? set_value(&s, ch) : fail("out of memory");
	}
	if (!err)
		err = check_program(ch);
	if (!err)
		err = persist(&s, ch);
	if (!err) {
		err = put_in_force(&s, ch);
		if (err) /* take it out of the file again */
			persist(&s, &undo);
	}
	if (!err)
		report_change(&s, ch, old);
	free(old);
	config_session_close(&s);
	return err;
}

static const struct cmd_option set_options[] = {
	{ 'r', false, "runtime", NULL, false,
	  "until the next reload: the file is left alone" },
	{}
};

static int config_set_cmd(const struct globals *g, int argc, char **argv)
{
	struct change ch = {};
	int c, err;

	while ((c = cmd_option(g, argc, argv)) > 0)
		ch.runtime = true;
	if (c)
		return EXIT_USAGE;
	err = find_key(argv[optind], &ch.key);
	ch.value = argv[optind + 1];
	return err ? err : change(g, &ch);
}

static int config_reset_cmd(const struct globals *g, int argc, char **argv)
{
	struct change ch = {};
	int err;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	err = find_key(argv[optind], &ch.key);
	return err ? err : change(g, &ch);
}

/* The file that the daemon reads, the next time it is told to reload. */
static void find_file(const struct globals *g, char path[DAEMON_PATH_SIZE])
{
	struct daemon_info *info = malloc(sizeof(*info));
	struct pins p;

	strcpy(path, CONFIG_DEFAULT_PATH);
	if (info && !pins_try_open(&p, g->pin_dir)) {
		if (!daemon_read(&p, info) && *info->config_path)
			memcpy(path, info->config_path, DAEMON_PATH_SIZE);
		pins_close(&p);
	}
	free(info);
}

static int config_check(const struct globals *g, int argc, char **argv)
{
	char why[CONFIG_ERROR_SIZE], in_use[DAEMON_PATH_SIZE];
	const char *path = in_use;
	struct config c;
	int err;

	if (cmd_arguments(g, argc, argv))
		return EXIT_USAGE;
	if (optind < argc)
		path = argv[optind];
	else
		find_file(g, in_use);
	if (config_init(&c))
		return fail("out of memory");
	err = config_file_read(path, &c, why, sizeof(why));
	config_free(&c);
	if (err)
		return fail("%s", why);
	output_done(json_pack("{s:s, s:b}", "file", path, "valid", 1),
		    "%s is valid", path);
	return 0;
}

static const struct cmd list = {
	.name = "list",
	.fn = config_list,
	.args = "",
	.help = "every key, its value and origin",
};
static const struct cmd keys = {
	.name = "keys",
	.fn = config_list_keys,
	.args = "",
	.help = "what keys there are, and what they do",
};
static const struct cmd get = {
	.name = "get",
	.fn = config_get,
	.args = "KEY",
	.help = "one value",
};
static const struct cmd set = {
	.name = "set",
	.fn = config_set_cmd,
	.args = "KEY VALUE",
	.help = "takes effect on the next packet, and is written to the file",
	.options = set_options,
};
static const struct cmd reset = {
	.name = "reset",
	.fn = config_reset_cmd,
	.args = "KEY",
	.help = "back to the default",
};
static const struct cmd check = {
	.name = "check",
	.fn = config_check,
	.args = "[FILE]",
	.help = "is this file valid?",
};
static const struct cmd *const commands[] = { &list,  &keys,  &get, &set,
					      &reset, &check, NULL };

const struct cmd cmd_config = {
	.name = "config",
	.args = "",
	.help = "the settings, live and in the file",
	.commands = commands,
	.quiet = true,
};

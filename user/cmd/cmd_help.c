// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/cmd_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"

#define HELP_WIDTH 79
#define TERM_SIZE 64

/* Prints a text from this column on, and breaks it between words. */
static void print_wrapped(const char *text, size_t column, size_t indent)
{
	size_t at = column;

	while (*text) {
		size_t n = strcspn(text, " ");

		/* No break within brackets: "[--for TIME]". */
		if (*text == '[')
			while (text[n] && text[n - 1] != ']' &&
			       text[n - 1] != '.')
				n += 1 + strcspn(text + n + 1, " ");
		if (at > column && at + 1 + n > HELP_WIDTH) {
			printf("\n%*s", (int)indent, "");
			at = column = indent;
		} else if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)n, text);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* "-c FILE", as a usage line has it. */
static const char *option_short(const struct cmd_option *o,
				char buf[static TERM_SIZE])
{
	int n = o->letter ? snprintf(buf, TERM_SIZE, "-%c", o->id) :
			    snprintf(buf, TERM_SIZE, "--%s", o->name);

	if (o->arg)
		snprintf(buf + n, TERM_SIZE - n, " %s", o->arg);
	return buf;
}

/* "-c, --config FILE", as the list of options has it. */
static const char *option_long(const struct cmd_option *o,
			       char buf[static TERM_SIZE])
{
	int n = o->letter ? snprintf(buf, TERM_SIZE, "-%c, ", o->id) : 0;

	snprintf(buf + n, TERM_SIZE - n, "--%s%s%s", o->name, o->arg ? " " : "",
		 o->arg ?: "");
	return buf;
}

const char *cmd_synopsis(const struct cmd *c, const char *of,
			 char buf[static SYNOPSIS_SIZE])
{
	char term[TERM_SIZE];
	int n = snprintf(buf, SYNOPSIS_SIZE, "smtpxdp %s%s%s", of,
			 *of ? " " : "", c->name);

	for (const struct cmd_option *o = c->options; o && o->name; o++)
		n += snprintf(buf + n, SYNOPSIS_SIZE - n, " [%s]%s",
			      option_short(o, term), o->many ? "..." : "");
	if (*c->args)
		snprintf(buf + n, SYNOPSIS_SIZE - n, " %s", c->args);
	return buf;
}

/* ---- as JSON */

static json_t *options_json(const struct cmd_option *o)
{
	json_t *list = json_array();
	char name[TERM_SIZE], letter[] = "-?";

	for (; o && o->name; o++) {
		snprintf(name, sizeof(name), "--%s", o->name);
		letter[1] = o->id;
		json_array_append_new(list,
				      json_pack("{s:s, s:s?, s:s?, s:b, s:s}",
						"option", name, "letter",
						o->letter ? letter : NULL,
						"argument", o->arg, "many",
						o->many, "help", o->help));
	}
	return list;
}

static json_t *commands_json(const struct cmd *const *c, const char *of);

static json_t *command_json(const struct cmd *c, const char *of)
{
	char name[TERM_SIZE], synopsis[SYNOPSIS_SIZE];

	snprintf(name, sizeof(name), "%s%s%s", of, *of ? " " : "", c->name);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "command", name,
			 "usage", cmd_synopsis(c, of, synopsis), "arguments",
			 c->args, "help", c->help, "options",
			 options_json(c->options), "commands",
			 commands_json(c->commands, c->name));
}

static json_t *commands_json(const struct cmd *const *c, const char *of)
{
	json_t *list = json_array();

	for (; c && *c; c++)
		json_array_append_new(list, command_json(*c, of));
	return list;
}

/* ---- as text */

static void print_term(const char *term, size_t width, const char *help)
{
	printf("  %-*s  ", (int)width, term);
	print_wrapped(help, width + 4, width + 4);
}

static void print_options(const struct cmd_option *options)
{
	char term[TERM_SIZE];
	size_t width = 0;

	for (const struct cmd_option *o = options; o->name; o++)
		if (strlen(option_long(o, term)) > width)
			width = strlen(term);
	for (const struct cmd_option *o = options; o->name; o++)
		print_term(option_long(o, term), width, o->help);
}

static void print_commands(const struct cmd *const *c)
{
	for (; *c; c++)
		print_term(c[0]->name, 8, c[0]->help);
}

/* A command's first own command may be left out: "ban [list]". */
static void print_usage(const struct cmd *c, const char *of)
{
	char synopsis[SYNOPSIS_SIZE];

	if (!c->commands) {
		fputs("usage: ", stdout);
		print_wrapped(cmd_synopsis(c, of, synopsis), 7, 15);
		return;
	}
	printf("usage: smtpxdp %s [%s]\n", c->name, c->commands[0]->name);
	for (int i = 1; c->commands[i]; i++) {
		printf("%7s", "");
		print_wrapped(cmd_synopsis(c->commands[i], c->name, synopsis),
			      7, 15);
	}
}

static void print_help(const struct cmd *c, const char *of)
{
	print_usage(c, of);
	putchar('\n');
	print_wrapped(c->help, 0, 0);
	if (c->options)
		putchar('\n');
	if (c->options)
		print_options(c->options);
	if (!c->commands)
		return;
	putchar('\n');
	print_commands(c->commands);
	printf("\nsmtpxdp %s COMMAND --help: the options of one of them\n",
	       c->name);
}

void cmd_help(const struct cmd *c, const char *of)
{
	json_t *doc = command_json(c, of);

	if (!output_json(doc))
		print_help(c, of);
	json_decref(doc);
}

static void print_help_all(const struct cmd *const *cmds,
			   const struct cmd_option *options)
{
	puts("smtpxdp bans clients that fail to log in to a mail server, in "
	     "XDP.\n\n"
	     "usage: smtpxdp [OPTION]... COMMAND [ARGUMENT]...\n\n"
	     "commands; smtpxdp COMMAND --help says more of one:");
	print_commands(cmds);
	puts("\noptions, before or after the command:");
	print_options(options);
	puts("\nexit codes: 0 done, 1 failed, 2 wrong usage; of run, 3 wrong "
	     "configuration,\n4 refused by the kernel. "
	     "Manual: man smtpxdp, man smtpxdp.conf");
}

void cmd_help_all(const struct cmd *const *cmds,
		  const struct cmd_option *options)
{
	json_t *doc = json_pack("{s:o, s:o}", "options", options_json(options),
				"commands", commands_json(cmds, ""));

	if (!output_json(doc))
		print_help_all(cmds, options);
	json_decref(doc);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "config/config.h"

#define BLANKS " \t"
#define TIMEOUT_MAX 600

bool command_split(const char *value, struct command *cmd)
{
	char *rest, *word;
	size_t n = 0;

	memset(cmd, 0, sizeof(*cmd));
	cmd->text = strdup(value);
	for (word = cmd->text ? strtok_r(cmd->text, BLANKS, &rest) : NULL;
	     word && n < COMMAND_WORDS_MAX;
	     word = strtok_r(NULL, BLANKS, &rest))
		cmd->words[n++] = word;
	if (n)
		return true;
	command_free(cmd);
	return false;
}

void command_free(struct command *cmd)
{
	free(cmd->text);
	memset(cmd, 0, sizeof(*cmd));
}

static size_t count_words(const char *s)
{
	size_t n = 0;

	for (s += strspn(s, BLANKS); *s; s += strspn(s, BLANKS)) {
		s += strcspn(s, BLANKS);
		n++;
	}
	return n;
}

int check_command(const char *value, const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];

	if (!*value)
		return 0;
	if (*value != '/' || strcspn(value, BLANKS) >= PATH_MAX)
		return invalid(why,
			       "'%s' is no absolute path of a program, with "
			       "its arguments behind it",
			       show_value(value, shown));
	if (count_words(value) > COMMAND_WORDS_MAX)
		return invalid(why, "more than %d arguments",
			       COMMAND_WORDS_MAX - 1);
	return 0;
}

int check_runs(const char *value, const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)], ignored[CONFIG_ERROR_SIZE];
	uint32_t runs, sec;

	return rate_parse(value, &runs, &sec, ignored, sizeof(ignored)) ?
		       invalid(why,
			       "'%s' is not RUNS/TIME, like 30/1h: 1 to 64 "
			       "within 1s to 7d",
			       show_value(value, shown)) :
		       0;
}

int check_timeout(const char *value, const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	uint64_t sec;

	if (duration_parse(value, &sec) || sec < 1 || sec > TIMEOUT_MAX)
		return invalid(why, "'%s' is not a time from 1s to 10m",
			       show_value(value, shown));
	return 0;
}

bool command_read(const struct config *c, struct command *cmd)
{
	char ignored[CONFIG_ERROR_SIZE];
	uint64_t sec = 0;

	if (!command_split(c->value[KEY_ON_EVENT], cmd))
		return false;
	rate_parse(c->value[KEY_ON_EVENT_RATE], &cmd->runs, &cmd->sec, ignored,
		   sizeof(ignored));
	duration_parse(c->value[KEY_ON_EVENT_TIMEOUT], &sec);
	cmd->timeout = sec;
	return true;
}

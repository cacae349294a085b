// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config_parse(): a configuration file's text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "config/config_change.h"
#include "config/config_lines.h"

#define LINE_MAX_SIZE 16384

/* The line that is being parsed, for errors. */
struct place {
	const char *name;
	int line;
	const struct why *why;
};

static int wrong(const struct place *at, int err, const char *reason)
{
	invalid(at->why, "%s:%d: %s", at->name, at->line, reason);
	return err;
}

static int check_shape(const struct config_line *line, const struct why *why)
{
	size_t n = line->key_len > 64 ? 64 : line->key_len;
	char shown[ESCAPED_SIZE(64)];

	escape(line->key, n, shown, sizeof(shown));
	if (line->len > LINE_MAX_SIZE)
		return invalid(why, "'%s': the line is longer than %d bytes",
			       shown, LINE_MAX_SIZE);
	if (!line->value)
		return invalid(why,
			       "'%s': a line is KEY = VALUE, or a comment "
			       "behind #",
			       shown);
	return 0;
}

/* Puts a line's value into c. `seen` has the line that set each key, or 0. */
static int take_setting(struct config *c, const char *name, const char *value,
			enum config_origin origin, int *seen, int line,
			const struct why *why)
{
	enum config_key key = config_find(name, why->text, why->size);

	if (key == KEYS_MAX)
		return -EINVAL;
	if (seen[key])
		return invalid(why,
			       "%s is set in line %d already: remove one of "
			       "the two",
			       name, seen[key]);
	seen[key] = line;
	if (config_check_value(key, value, why))
		return -EINVAL;
	return config_put(c, key, value, origin) ? no_memory(why) : 0;
}

static int take_line(struct config *c, const struct config_line *line,
		     enum config_origin origin, int *seen,
		     const struct place *at)
{
	char reason[CONFIG_ERROR_SIZE], *name, *value;
	const struct why why = { reason, sizeof(reason) };
	int err = check_shape(line, &why);

	if (err)
		return wrong(at, err, reason);
	name = strndup(line->key, line->key_len);
	value = strndup(line->value, line->value_len);
	err = name && value ? take_setting(c, name, value, origin, seen,
					   at->line, &why) :
			      no_memory(&why);
	free(name);
	free(value);
	return err ? wrong(at, err, reason) : 0;
}

int config_parse(struct config *c, const char *text, const char *name,
		 enum config_origin origin, char *err, size_t size)
{
	const struct why why = { err, size };
	struct place at = { name, 0, &why };
	char reason[CONFIG_ERROR_SIZE];
	int seen[KEYS_MAX] = {}, ret = 0;
	struct config_line line;
	struct config next;

	if (config_copy(&next, c))
		return no_memory(&why);
	while (!ret && *text) {
		at.line++;
		text = config_line(text, &line);
		if (line.key)
			ret = take_line(&next, &line, origin, seen, &at);
	}
	if (ret) {
		config_free(&next);
		return ret;
	}
	/* Now only the two lists of texts can contradict: name their line. */
	if (seen[KEY_COUNT_TEXTS] || seen[KEY_IGNORE_TEXTS])
		at.line = seen[KEY_COUNT_TEXTS] > seen[KEY_IGNORE_TEXTS] ?
				  seen[KEY_COUNT_TEXTS] :
				  seen[KEY_IGNORE_TEXTS];
	ret = config_replace(c, &next, &(struct why){ reason, sizeof(reason) });
	return ret ? wrong(&at, ret, reason) : 0;
}

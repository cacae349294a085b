// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"
#include "base/escape.h"

#define LINE_MAX_SIZE 16384

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

static const char *trim_end(const char *start, const char *end)
{
	while (end > start && is_blank(end[-1]))
		end--;
	return end;
}

/* Where a comment begins: a # at the start or behind a blank, not in quotes. */
static const char *find_comment(const char *start, const char *end)
{
	bool quoted = false;

	for (const char *s = start; s < end; s++) {
		if (quoted && *s == '\\' && s + 1 < end)
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (*s == '#' && !quoted &&
			 (s == start || is_blank(s[-1])))
			return s;
	}
	return end;
}

const char *config_line(const char *text, struct config_line *line)
{
	const char *lf = strchr(text, '\n'), *end, *s, *eq;

	memset(line, 0, sizeof(*line));
	line->start = text;
	line->len = lf ? (size_t)(lf + 1 - text) : strlen(text);
	end = text + line->len;
	s = skip_blanks(text, end);
	end = trim_end(s, find_comment(s, end));
	if (s == end)
		return text + line->len;
	eq = memchr(s, '=', end - s);
	line->key = s;
	line->key_len = trim_end(s, eq ? eq : end) - s;
	if (eq) {
		line->value = skip_blanks(eq + 1, end);
		line->value_len = end - line->value;
	}
	return text + line->len;
}

bool config_line_is_commented(const struct config_line *line, const char *key)
{
	const char *end = line->start + line->len;
	const char *s = skip_blanks(line->start, end);
	size_t n = strlen(key);

	if (s == end || *s != '#')
		return false;
	s = skip_blanks(s + 1, end);
	if ((size_t)(end - s) <= n || memcmp(s, key, n))
		return false;
	s = skip_blanks(s + n, end);
	return s < end && *s == '=';
}

bool config_value_fits_line(const char *value)
{
	const char *end = value + strlen(value);

	for (const char *s = value; s < end; s++)
		if ((*s < ' ' && *s != '\t') || *s > '~')
			return false;
	return skip_blanks(value, end) == value &&
	       trim_end(value, end) == end && find_comment(value, end) == end;
}

/* Where in a file something is wrong. */
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

/* Takes what the line says; `seen` is in which line each key was. */
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
	/* Each value is right by itself; lists of texts can contradict. */
	if (seen[KEY_COUNT_TEXTS] || seen[KEY_IGNORE_TEXTS])
		at.line = seen[KEY_COUNT_TEXTS] > seen[KEY_IGNORE_TEXTS] ?
				  seen[KEY_COUNT_TEXTS] :
				  seen[KEY_IGNORE_TEXTS];
	ret = config_replace(c, &next, &(struct why){ reason, sizeof(reason) });
	return ret ? wrong(&at, ret, reason) : 0;
}

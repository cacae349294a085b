// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "escape.h"

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
		if ((unsigned char)*s < ' ' && *s != '\t')
			return false;
	return skip_blanks(value, end) == value &&
	       trim_end(value, end) == end && find_comment(value, end) == end;
}

/* Where a line was found wrong. */
struct place {
	const char *name;
	int line;
	char *err;
	size_t size;
};

static int wrong(const struct place *at, const char *fmt, const char *what,
		 size_t len)
{
	char shown[ESCAPED_SIZE(64)];
	int n = snprintf(at->err, at->size, "%s:%d: ", at->name, at->line);

	escape(what, len > 64 ? 64 : len, shown, sizeof(shown));
	if (n > 0 && (size_t)n < at->size)
		snprintf(at->err + n, at->size - n, fmt, shown);
	return -EINVAL;
}

static int take_line(struct config *c, const struct config_line *line,
		     enum config_origin origin, int *seen,
		     const struct place *at)
{
	char why[CONFIG_ERROR_SIZE] = "out of memory";
	char *name = strndup(line->key, line->key_len), *value;
	enum config_key key;
	int err;

	if (!line->value) {
		free(name);
		return wrong(at, "'%s': a line is KEY = VALUE", line->key,
			     line->key_len);
	}
	value = strndup(line->value, line->value_len);
	key = name ? config_find(name, why, sizeof(why)) : KEYS_MAX;
	err = key < KEYS_MAX && value ? 0 : -EINVAL;
	if (!err && seen[key]) {
		snprintf(why, sizeof(why), "%s is set in line %d already",
			 config_keys[key].name, seen[key]);
		err = -EINVAL;
	}
	if (!err) {
		seen[key] = at->line;
		err = config_set(c, key, value, origin, why, sizeof(why));
	}
	free(name);
	free(value);
	if (err)
		snprintf(at->err, at->size, "%s:%d: %s", at->name, at->line,
			 why);
	return err;
}

int config_parse(struct config *c, const char *text, const char *name,
		 enum config_origin origin, char *err, size_t size)
{
	struct place at = { name, 0, err, size };
	struct config_line line;
	int seen[KEYS_MAX] = {}, ret;
	struct config next;

	ret = config_copy(&next, c);
	while (!ret && *text) {
		at.line++;
		text = config_line(text, &line);
		if (line.len > LINE_MAX_SIZE)
			ret = wrong(&at, "'%s...': the line is too long",
				    line.start, 32);
		else if (line.key)
			ret = take_line(&next, &line, origin, seen, &at);
	}
	if (ret) {
		config_free(&next);
		return ret;
	}
	config_free(c);
	*c = next;
	return 0;
}

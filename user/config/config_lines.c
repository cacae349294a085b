// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_lines.h"

#include <string.h>

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

/* A comment begins with a # at the start or behind a blank, not in quotes. */
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

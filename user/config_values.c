// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config_values.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

#define SEPARATORS ", \t"
#define ITEM_SIZE 64
/* How much of a wrong value an error shows. */
#define SHOWN 64

int invalid(const struct why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, why->size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *show(const char *s, char buf[static ESCAPED_SIZE(SHOWN)])
{
	return escape(s, strnlen(s, SHOWN), buf, ESCAPED_SIZE(SHOWN));
}

int next_item(const char **s, char *buf, size_t size, const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	size_t n;

	*s += strspn(*s, SEPARATORS);
	n = strcspn(*s, SEPARATORS);
	if (!n)
		return 0;
	if (n >= size)
		return invalid(why, "'%s...' is too long for an item of a list",
			       show(*s, shown));
	memcpy(buf, *s, n);
	buf[n] = '\0';
	*s += n;
	return 1;
}

int parse_word(const char *s, const char *const *words, unsigned int *index,
	       const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)], known[128] = "";
	size_t n = 0;

	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(s, words[i])) {
			*index = i;
			return 0;
		}
		n += snprintf(known + n, sizeof(known) - n, "%s%s",
			      i ? " or " : "", words[i]);
	}
	return invalid(why, "'%s' is not %s", show(s, shown), known);
}

int parse_bool(const char *s, bool *yes, const struct why *why)
{
	static const char *const words[][2] = { { "no", "yes" },
						{ "off", "on" },
						{ "false", "true" },
						{ "0", "1" } };
	char shown[ESCAPED_SIZE(SHOWN)];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		for (int b = 0; b < 2; b++)
			if (!strcasecmp(s, words[i][b])) {
				*yes = b;
				return 0;
			}
	return invalid(why, "'%s' is not yes or no", show(s, shown));
}

int parse_number(const char *s, uint32_t min, uint32_t max, uint32_t *n,
		 const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	const char *c = s;
	uint64_t v = 0;

	for (; *c >= '0' && *c <= '9' && v <= max; c++)
		v = 10 * v + (*c - '0');
	if (*c || c == s || v < min || v > max)
		return invalid(why, "'%s' is not a number from %u to %u",
			       show(s, shown), min, max);
	*n = v;
	return 0;
}

int parse_ports(const char *s, uint64_t *bitmap, const struct why *why)
{
	char item[ITEM_SIZE];
	uint32_t port;
	int more, n = 0;

	while ((more = next_item(&s, item, sizeof(item), why)) > 0) {
		if (parse_number(item, 1, 65535, &port, why))
			return -EINVAL;
		bitmap[port / 64] |= 1ULL << port % 64;
		n++;
	}
	if (!more && !n)
		return invalid(why, "at least one port is needed");
	return more;
}

static int parse_code(char *item, uint8_t *codes, const struct why *why)
{
	static const char *const actions[] = {
		[ACTION_IGNORE] = "ignore",
		[ACTION_COUNT] = "count",
		[ACTION_CREDIT] = "credit",
		NULL,
	};
	char *action = strpbrk(item, "=:");
	unsigned int what = ACTION_COUNT;
	uint32_t code;

	if (action)
		*action++ = '\0';
	if (parse_number(item, 200, CODE_MAX - 1, &code, why) ||
	    (action && parse_word(action, actions, &what, why)))
		return -EINVAL;
	codes[code] = what;
	return 0;
}

int parse_codes(const char *s, uint8_t *codes, const struct why *why)
{
	char item[ITEM_SIZE];
	int more;

	while ((more = next_item(&s, item, sizeof(item), why)) > 0)
		if (parse_code(item, codes, why))
			return -EINVAL;
	return more;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = c ? strchr(digits, c | 0x20) : NULL;

	return d ? d - digits : -1;
}

/*
 * One quoted text; moves *s behind its closing quote. The length in bytes, or
 * -EINVAL.
 */
static int take_quoted(const char **s, char *buf, size_t size,
		       const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	const char *start = *s, *c;
	size_t n = 0;

	for (c = start + 1; *c && *c != '"'; c++) {
		char byte = *c;

		if (byte == '\\' && (c[1] == '"' || c[1] == '\\')) {
			byte = *++c;
		} else if (byte == '\\') {
			if (c[1] != 'x' || hex(c[2]) < 0 || hex(c[3]) < 0)
				return invalid(why,
					       "%s: after a backslash comes "
					       "\", \\ or xNN",
					       show(start, shown));
			byte = hex(c[2]) << 4 | hex(c[3]);
			c += 3;
		}
		if (n == size)
			return invalid(why,
				       "%s...: a text has at most %zu bytes; "
				       "give the beginning of the line",
				       show(start, shown), size);
		buf[n++] = byte;
	}
	if (!*c)
		return invalid(why, "%s: the closing quote is missing",
			       show(start, shown));
	*s = c + 1;
	return n;
}

/* Only a line that can be a reply can match: RFC 5321, 4.2. */
static bool begins_reply(const char *t, size_t n)
{
	return n >= 4 && t[0] >= '2' && t[0] <= '5' && t[1] >= '0' &&
	       t[1] <= '9' && t[2] >= '0' && t[2] <= '9' &&
	       (t[3] == ' ' || t[3] == '-');
}

static int add_text(const char *bytes, size_t len, enum action action,
		    struct text *texts, uint32_t *n, const struct why *why)
{
	char shown[ESCAPED_SIZE(TEXT_SIZE)];
	struct text t = { .len = len, .action = action };

	escape(bytes, len, shown, sizeof(shown));
	if (!begins_reply(bytes, len))
		return invalid(why,
			       "\"%s\": a text begins with a reply code and a "
			       "space or hyphen, like \"535 5.7.8 Error\"",
			       shown);
	memcpy(t.bytes, bytes, len);
	memset(t.mask, 0xff, len);
	for (uint32_t i = 0; i < *n; i++)
		if (texts[i].len == len &&
		    !memcmp(texts[i].bytes, t.bytes, sizeof(t.bytes)))
			return invalid(why, "\"%s\" is there twice%s", shown,
				       texts[i].action == t.action ?
					       "" :
					       ", in count-texts and in "
					       "ignore-texts");
	if (*n == TEXTS_MAX)
		return invalid(why,
			       "more than %d texts in count-texts and "
			       "ignore-texts together",
			       TEXTS_MAX);
	texts[(*n)++] = t;
	return 0;
}

/* Without any quote, the value is one text: no need to quote it in a shell. */
static int take_bare(const char *s, char *buf, const struct why *why)
{
	size_t n = strlen(s);
	char shown[ESCAPED_SIZE(SHOWN)];

	if (n > TEXT_SIZE)
		return invalid(why,
			       "%s...: a text has at most %d bytes; give the "
			       "beginning of the line",
			       show(s, shown), TEXT_SIZE);
	memcpy(buf, s, n);
	return n;
}

int parse_texts(const char *s, enum action action, struct text *texts,
		uint32_t *n, const struct why *why)
{
	char buf[TEXT_SIZE], shown[ESCAPED_SIZE(SHOWN)];
	int len;

	if (*s && !strchr(s, '"')) {
		len = take_bare(s, buf, why);
		return len < 0 ? len :
				 add_text(buf, len, action, texts, n, why);
	}
	for (s += strspn(s, SEPARATORS); *s; s += strspn(s, SEPARATORS)) {
		if (*s != '"')
			return invalid(why,
				       "'%s': texts stand in double quotes",
				       show(s, shown));
		len = take_quoted(&s, buf, sizeof(buf), why);
		if (len < 0 || add_text(buf, len, action, texts, n, why))
			return -EINVAL;
	}
	return 0;
}

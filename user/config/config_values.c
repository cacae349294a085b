// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_values.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/escape.h"

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

int no_memory(const struct why *why)
{
	invalid(why, "out of memory");
	return -ENOMEM;
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
	/* A leading zero: octal to some, and never needed. */
	if (*c || c == s || (*s == '0' && s[1]) || v < min || v > max)
		return invalid(why, "'%s' is not a number from %u to %u",
			       show(s, shown), min, max);
	*n = v;
	return 0;
}

int parse_asn(const char *s, uint32_t *asn, const struct why *why)
{
	if (!strncasecmp(s, "AS", 2))
		s += 2;
	return parse_number(s, 1, UINT32_MAX, asn, why);
}

int parse_listen(const char *s, struct listen_address *at,
		 const struct why *why)
{
	const char *colon = strrchr(s, ':'), *port = colon ? colon + 1 : "";
	char host[ADDR_TEXT] = "", shown[ESCAPED_SIZE(SHOWN)];
	bool v6 = *s == '[' && colon > s + 1 && colon[-1] == ']';
	size_t n = colon ? colon - s - 2 * v6 : 0;
	uint32_t number;

	if (n < sizeof(host))
		memcpy(host, s + v6, n);
	if (n >= sizeof(host) || addr_parse(host, &at->addr) ||
	    v6 != !!strchr(host, ':') ||
	    parse_number(port, 1, 65535, &number, why))
		return invalid(why,
			       "'%s' is not off, nor ADDRESS:PORT like "
			       "127.0.0.1:9735 or [::1]:9735",
			       show(s, shown));
	at->port = number;
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

static int parse_code(char *item, uint8_t *codes, bool *seen,
		      const struct why *why)
{
	static const char *const actions[] = {
		[ACTION_IGNORE] = "ignore",
		[ACTION_COUNT] = "count",
		[ACTION_CREDIT] = "credit",
		NULL,
	};
	char *action = strpbrk(item, "=:"), shown[ESCAPED_SIZE(SHOWN)];
	unsigned int what = ACTION_COUNT;
	uint32_t code;

	show(item, shown);
	if (action)
		*action++ = '\0';
	if (parse_number(item, 200, CODE_MAX - 1, &code, why))
		return invalid(why,
			       "'%s' is not CODE or CODE=ACTION, with a code "
			       "from 200 to 599",
			       shown);
	if (action && parse_word(action, actions, &what, why))
		return -EINVAL;
	if (seen[code])
		return invalid(why, "%u is there twice", code);
	seen[code] = true;
	codes[code] = what;
	return 0;
}

int parse_codes(const char *s, uint8_t *codes, const struct why *why)
{
	bool seen[CODE_MAX] = {};
	char item[ITEM_SIZE];
	int more, n = 0;

	while ((more = next_item(&s, item, sizeof(item), why)) > 0) {
		if (parse_code(item, codes, seen, why))
			return -EINVAL;
		n++;
	}
	if (!more && !n)
		return invalid(why, "at least one code is needed; 535=ignore "
				    "counts none");
	return more;
}

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = c ? strchr(digits, c | 0x20) : NULL;

	return d ? d - digits : -1;
}

/* One byte of a text, maybe written as an escape; moves *s behind it. */
static bool take_byte(const char **s, char *byte)
{
	const char *c = *s;

	*byte = *c;
	if (*c != '\\') {
		*s += 1;
	} else if (c[1] == '"' || c[1] == '\\') {
		*byte = c[1];
		*s += 2;
	} else if (c[1] == 'x' && hex(c[2]) >= 0 && hex(c[3]) >= 0) {
		*byte = hex(c[2]) << 4 | hex(c[3]);
		*s += 4;
	} else {
		return false;
	}
	return true;
}

/*
 * One text, in quotes or all of *s; moves *s behind it. Its length in bytes,
 * or -EINVAL.
 */
static int take_text(const char **s, char buf[static TEXT_SIZE],
		     const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	bool quoted = **s == '"';
	int n = 0;

	show(*s, shown);
	for (*s += quoted; **s && !(quoted && **s == '"');) {
		char byte;

		if (!take_byte(s, &byte))
			return invalid(
				why,
				"'%s': after a backslash comes \", \\ or "
				"xNN",
				shown);
		if (n == TEXT_SIZE)
			return invalid(why,
				       "'%s...': a text has at most %d bytes; "
				       "give the beginning of the line",
				       shown, TEXT_SIZE);
		buf[n++] = byte;
	}
	if (quoted && !**s)
		return invalid(why, "'%s': the closing quote is missing",
			       shown);
	*s += quoted;
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
	if (memchr(bytes, '\n', len))
		return invalid(why,
			       "\"%s\": a text is within one line, and so "
			       "without \\x0a",
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

int parse_texts(const char *s, enum action action, struct text *texts,
		uint32_t *n, const struct why *why)
{
	char buf[TEXT_SIZE], shown[ESCAPED_SIZE(SHOWN)];
	/* Without any quote it is one text: no need to quote it in a shell. */
	bool bare = !strpbrk(s, "\",");
	int len;

	for (s += strspn(s, SEPARATORS); *s; s += strspn(s, SEPARATORS)) {
		if (*s != '"' && !bare)
			return invalid(why,
				       "'%s': texts stand in double quotes, "
				       "with commas between them",
				       show(s, shown));
		len = take_text(&s, buf, why);
		if (len < 0 || add_text(buf, len, action, texts, n, why))
			return -EINVAL;
		if (*s && !strchr(SEPARATORS, *s))
			return invalid(why,
				       "'%s': between two texts stands a comma",
				       show(s, shown));
	}
	return 0;
}

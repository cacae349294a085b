// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_replies.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"

#define ITEM_SIZE 64

static int parse_code(char *item, uint8_t *codes, bool *seen,
		      const struct why *why)
{
	static const struct word actions[] = { { "ignore", ACTION_IGNORE },
					       { "count", ACTION_COUNT },
					       { "credit", ACTION_CREDIT },
					       {} };
	char *action = strpbrk(item, "=:"), shown[ESCAPED_SIZE(SHOWN)];
	unsigned int what = ACTION_COUNT;
	uint32_t code;

	show_value(item, shown);
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

/* Reads one byte of a text, which may be an escape; moves *s behind it. */
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
 * Reads one text, in quotes or all of *s; moves *s behind it. Returns its
 * length in bytes, or -EINVAL.
 */
static int take_text(const char **s, char buf[static TEXT_SIZE],
		     const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	bool quoted = **s == '"';
	int n = 0;

	show_value(*s, shown);
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

/* Texts match lines that are replies only: RFC 5321, 4.2. */
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
					       ", in two of count-texts, "
					       "ignore-texts, throttle-texts "
					       "and unasked-texts");
	if (*n == TEXTS_MAX)
		return invalid(why,
			       "more than %d texts in count-texts, "
			       "ignore-texts, throttle-texts and "
			       "unasked-texts together",
			       TEXTS_MAX);
	texts[(*n)++] = t;
	return 0;
}

int parse_texts(const char *s, enum action action, struct text *texts,
		uint32_t *n, const struct why *why)
{
	char buf[TEXT_SIZE], shown[ESCAPED_SIZE(SHOWN)];
	/* Without quotes, all is one text: easier to write in a shell. */
	bool bare = !strpbrk(s, "\",");
	int len;

	for (s += strspn(s, SEPARATORS); *s; s += strspn(s, SEPARATORS)) {
		if (*s != '"' && !bare)
			return invalid(why,
				       "'%s': texts stand in double quotes, "
				       "with commas between them",
				       show_value(s, shown));
		len = take_text(&s, buf, why);
		if (len < 0 || add_text(buf, len, action, texts, n, why))
			return -EINVAL;
		if (*s && !strchr(SEPARATORS, *s))
			return invalid(why,
				       "'%s': between two texts stands a comma",
				       show_value(s, shown));
	}
	return 0;
}

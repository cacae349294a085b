// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_values.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/address.h"
#include "base/escape.h"

#define ITEM_SIZE 64

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

const char *show_value(const char *s, char buf[static ESCAPED_SIZE(SHOWN)])
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
			       show_value(*s, shown));
	memcpy(buf, *s, n);
	buf[n] = '\0';
	*s += n;
	return 1;
}

int parse_word(const char *s, const struct word *words, unsigned int *value,
	       const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)], known[128] = "";
	size_t n = 0;

	for (const struct word *w = words; w->name; w++) {
		if (!strcmp(s, w->name)) {
			*value = w->value;
			return 0;
		}
		n += snprintf(known + n, sizeof(known) - n, "%s%s",
			      n ? " or " : "", w->name);
	}
	return invalid(why, "'%s' is not %s", show_value(s, shown), known);
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
	return invalid(why, "'%s' is not yes or no", show_value(s, shown));
}

int parse_number(const char *s, uint32_t min, uint32_t max, uint32_t *n,
		 const struct why *why)
{
	char shown[ESCAPED_SIZE(SHOWN)];
	const char *c = s;
	uint64_t v = 0;

	for (; *c >= '0' && *c <= '9' && v <= max; c++)
		v = 10 * v + (*c - '0');
	/* A leading zero is refused: some would read an octal number. */
	if (*c || c == s || (*s == '0' && s[1]) || v < min || v > max)
		return invalid(why, "'%s' is not a number from %u to %u",
			       show_value(s, shown), min, max);
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
			       show_value(s, shown));
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/net_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/escape.h"

#define WORD_SIZE 96 /* two addresses and a slash are shorter */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef unsigned __int128 number;

__attribute__((format(printf, 3, 4))) static int wrong(char *err, size_t size,
						       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const char *net_line_unmarked(const char *s)
{
	size_t n = strlen(BYTE_ORDER_MARK);

	return strncmp(s, BYTE_ORDER_MARK, n) ? s : s + n;
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, NET_LINE_SPACE);
}

/*
 * Copies the word at s, up to any of `ends`, and returns what is behind it. A
 * word too long for any network is cut, and so is refused by its reader.
 */
static const char *take_word(const char *s, const char *ends,
			     char word[static WORD_SIZE])
{
	size_t n = strcspn(s, ends);

	snprintf(word, WORD_SIZE, "%.*s", (int)(n < WORD_SIZE ? n : WORD_SIZE),
		 s);
	return s + n;
}

static number to_number(const struct addr *a)
{
	number n = 0;

	for (int i = 0; i < 16; i++)
		n = n << 8 | a->b[i];
	return n;
}

static struct addr from_number(number n)
{
	struct addr a;

	for (int i = 15; i >= 0; i--, n >>= 8)
		a.b[i] = n;
	return a;
}

/* The fewest networks that hold all from `first` to `last` and nobody else. */
static void split_range(number first, number last, struct net_line *l)
{
	for (l->n = 0; l->n < NET_LINE_MAX; first++) {
		struct addr a = from_number(first);
		number rest = 0;
		unsigned int len = ADDR_BITS;

		while (len) {
			number wider = rest << 1 | 1;

			if (first & wider || wider > last - first)
				break;
			rest = wider;
			len--;
		}
		l->nets[l->n++] = net_of(&a, len);
		first += rest;
		if (first == last)
			break;
	}
}

static int read_range(const char *from, const char *to, struct net_line *l,
		      char *err, size_t size)
{
	char a_text[ADDR_TEXT], b_text[ADDR_TEXT];
	static const struct addr v4 = { .d[2] = ADDR_V4_WORD };
	struct net a, b;
	struct addr first, last;

	if (net_parse(from, &a, err, size) || net_parse(to, &b, err, size))
		return -EINVAL;
	if (strchr(from, '/') || strchr(to, '/'))
		return wrong(err, size, "a range is of addresses, without /");
	first = net_addr(&a);
	last = net_addr(&b);
	addr_format(&first, a_text);
	addr_format(&last, b_text);
	if (addr_is_v4(&first) != addr_is_v4(&last))
		return wrong(err, size, "%s - %s: one is IPv4, one is IPv6",
			     a_text, b_text);
	if (to_number(&first) > to_number(&last))
		return wrong(err, size, "%s - %s: the last comes first", a_text,
			     b_text);
	if (!addr_is_v4(&first) && to_number(&first) < to_number(&v4) &&
	    to_number(&last) > to_number(&v4))
		return wrong(err, size,
			     "%s - %s would include every IPv4 address", a_text,
			     b_text);
	split_range(to_number(&first), to_number(&last), l);
	return 0;
}

/* The length that a netmask says, or -1: it is none, or all zeros. */
static int mask_len(const char *s)
{
	struct addr a;
	__u32 mask, rest;

	if (strchr(s, ':') || addr_parse(s, &a))
		return -1;
	mask = (__u32)a.b[12] << 24 | a.b[13] << 16 | a.b[14] << 8 | a.b[15];
	rest = ~mask;
	return mask && !(rest & (rest + 1)) ? __builtin_popcount(mask) : -1;
}

static int read_masked(const char *addr, const char *mask, net_parse_fn parse,
		       struct net_line *l, char *err, size_t size)
{
	char text[2 * WORD_SIZE];
	int len = mask_len(mask);

	if (len < 0 || strchr(addr, ':') || strchr(addr, '/'))
		return wrong(err, size,
			     "two addresses, and the second is no netmask: "
			     "write a range as FIRST - LAST");
	snprintf(text, sizeof(text), "%s/%d", addr, len);
	l->n = 1;
	return parse(text, l->nets, err, size);
}

/* ADDR, ADDR/LEN or ADDR/NETMASK. */
static int read_one(char *word, net_parse_fn parse, struct net_line *l,
		    char *err, size_t size)
{
	char *slash = strchr(word, '/');

	if (slash && mask_len(slash + 1) > 0) {
		*slash = '\0';
		return read_masked(word, slash + 1, parse, l, err, size);
	}
	l->n = 1;
	l->whole = !slash;
	return parse(word, l->nets, err, size);
}

static bool is_address(const char *s)
{
	struct addr a;

	return !addr_parse(s, &a);
}

int net_line_read(const char **s, net_parse_fn parse, struct net_line *l,
		  char *err, size_t size)
{
	static const char ends[] = NET_LINE_SPACE NET_LINE_COMMENT;
	static const char or_dash[] = NET_LINE_SPACE NET_LINE_COMMENT "-";
	char word[WORD_SIZE], next[WORD_SIZE];
	const char *behind;

	l->n = 0;
	l->whole = false;
	*s = skip_space(*s);
	if (!**s || strchr(NET_LINE_COMMENT, **s))
		return 0;
	*s = take_word(*s, or_dash, word);
	behind = skip_space(*s);
	if (*behind == '-') {
		*s = take_word(skip_space(behind + 1), ends, next);
		return read_range(word, next, l, err, size);
	}
	behind = take_word(behind, ends, next);
	if (is_address(next) && is_address(word)) {
		*s = behind;
		return read_masked(word, next, parse, l, err, size);
	}
	if (*next == '/')
		return wrong(err, size, "a blank before the /");
	return read_one(word, parse, l, err, size);
}

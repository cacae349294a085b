// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a proxy says of its client: the PROXY protocol's header, and XCLIENT,
 * against readers of whole lines. The last byte says how the text is cut, too.
 *
 * Fuzzes: bpf/pure/proxy_header.h bpf/pure/xclient.h
 * Seeds: selftests/unit/test_proxy_header.c selftests/bpf/test_proxy.c
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#include "fuzz/fuzz.h"
#include "lib/proxy_feed.h"
#include "pure/xclient.h"

#define TEXT_MAX 66000

/* ---- the readers of whole lines */

static bool address_of(const char *text, int family, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	a->d[2] = ADDR_V4_WORD;
	return inet_pton(family, text,
			 family == AF_INET ? (void *)&a->d[3] : a) == 1;
}

static bool port_of(const char *text)
{
	size_t n = strlen(text);

	return n >= 1 && n <= 5 && strspn(text, "0123456789") == n &&
	       atoi(text) <= 65535;
}

/* The verdict on a line of version 1, without its CRLF. */
static int judge_line(char *line, struct addr *src)
{
	char *word[7] = {}, *at = line;
	struct addr dst;
	int n = 0, family;

	while (n < 7 && at)
		word[n++] = strsep(&at, " ");
	if (n != 6 || strcmp(word[0], "PROXY"))
		return PROXY_NONE;
	family = !strcmp(word[1], "TCP4") ? AF_INET :
		 !strcmp(word[1], "TCP6") ? AF_INET6 :
					    0;
	return family && address_of(word[2], family, src) &&
			       address_of(word[3], family, &dst) &&
			       port_of(word[4]) && port_of(word[5]) ?
		       PROXY_NAMES :
		       PROXY_NONE;
}

static int read_line(const uint8_t *text, size_t len, struct addr *src,
		     size_t *used)
{
	char line[PROXY_TEXT_MAX + 1];
	const uint8_t *end = memmem(text, len, "\r", 1);
	size_t n = end ? (size_t)(end - text) : len;

	if (!end || n + 2 > PROXY_TEXT_MAX || n + 2 > len || end[1] != '\n')
		return PROXY_NONE;
	*used = n + 2;
	if (n >= 13 && !memcmp(text, "PROXY UNKNOWN", 13))
		return memchr(text, '\n', n) ? PROXY_NONE : PROXY_NOBODY;
	if (memchr(text, 0, n))
		return PROXY_NONE;
	memcpy(line, text, n);
	line[n] = '\0';
	return judge_line(line, src);
}

static int read_binary(const uint8_t *text, size_t len, struct addr *src,
		       size_t *used)
{
	bool v6 = len > 13 && text[13] == 0x21, tcp = v6;
	size_t size;

	if (len < 16 || memcmp(text, "\r\n\r\n\0\r\nQUIT\n", 12) ||
	    (text[12] != 0x20 && text[12] != 0x21))
		return PROXY_NONE;
	tcp |= text[13] == 0x11;
	size = text[14] << 8 | text[15];
	*used = 16 + size;
	if (text[12] == 0x21 && tcp && size < (v6 ? 36 : 12))
		return PROXY_NONE;
	if (*used > len)
		return PROXY_MORE;
	if (text[12] == 0x20 || !tcp)
		return PROXY_NOBODY;
	memset(src, 0, sizeof(*src));
	src->d[2] = ADDR_V4_WORD;
	memcpy(v6 ? src->b : src->b + 12, text + 16, v6 ? 16 : 4);
	return PROXY_NAMES;
}

/* ---- the header */

static void try_header(const uint8_t *text, size_t len, uint32_t step)
{
	struct proxy_header h;
	struct addr src = {};
	size_t used, want_used = 0;
	int v = feed_header(&h, text, len, step, &used), want;

	want = *text == 'P' ? read_line(text, len, &src, &want_used) :
			      read_binary(text, len, &src, &want_used);
	/* the line could still become one: the reader of whole lines cannot tell */
	if (v == PROXY_MORE) {
		must(want != PROXY_NAMES && want != PROXY_NOBODY);
		return;
	}
	if (want == PROXY_MORE)
		want = v; /* a header that is cut: only that it is none would do */
	must(v == want);
	if (v == PROXY_NONE)
		return;
	must(used == want_used && h.pos == want_used);
	if (v == PROXY_NAMES)
		must(!memcmp(&h.src, &src, sizeof(src)));
}

/* ---- XCLIENT */

/* Decodes xtext in place; false: it is none. */
static bool xtext(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned int byte;
		char hex[3] = {};

		if (*text != '+') {
			*to++ = *text;
			continue;
		}
		if (!text[1] || !text[2] || !isxdigit(text[1]) ||
		    !isxdigit(text[2]))
			return false;
		memcpy(hex, text + 1, 2);
		sscanf(hex, "%x", &byte);
		if (!byte)
			return false;
		*to++ = byte;
		text += 2;
	}
	*to = '\0';
	return true;
}

static int read_xclient(char *line, struct addr *a)
{
	int found = XCLIENT_NOTHING;
	char *word, *at = line, *first = NULL;

	while ((word = strsep(&at, " \t\r\n"))) {
		if (!first) {
			first = word;
			if (strcasecmp(word, "XCLIENT"))
				return XCLIENT_NOTHING;
			continue;
		}
		if (strncasecmp(word, "ADDR=", 5))
			continue;
		word += 5;
		found = xtext(word) && (!strncasecmp(word, "IPV6:", 5) ?
						address_of(word + 5, AF_INET6,
							   a) :
						address_of(word, AF_INET, a)) ?
				XCLIENT_ADDRESS :
				XCLIENT_NOBODY;
	}
	return found;
}

static void try_xclient(const uint8_t *text, size_t len, uint32_t step)
{
	char line[4096];
	struct proxy_text t = {};
	struct xclient x;
	struct addr a;
	int want;

	if (len >= sizeof(line) - 1 || memchr(text, 0, len) ||
	    memchr(text, '\n', len))
		return;
	xclient_begin(&x, true);
	for (size_t at = 0; at < len;) {
		struct sasl_chunk chunk = { .len = len - at };

		if (chunk.len > step)
			chunk.len = step;
		memcpy(chunk.byte, text + at, chunk.len);
		xclient_feed(&x, &t, &chunk, chunk.len);
		at += chunk.len;
	}
	xclient_byte(&x, &t, '\n');
	memcpy(line, text, len);
	line[len] = '\0';
	want = read_xclient(line, &a);
	if (x.mode == XCLIENT_OTHER)
		must(want == XCLIENT_NOTHING);
	else
		must(x.found == want);
	if (want == XCLIENT_ADDRESS)
		must(!memcmp(&x.addr, &a, sizeof(a)));
}

static void fuzz(struct input *in)
{
	uint32_t step;

	if (!in->left || in->left > TEXT_MAX)
		return;
	step = in->at[in->left - 1] % PROXY_CHUNK + 1;
	try_header(in->at, in->left, step);
	try_xclient(in->at, in->left, step);
}

static void seeds(void)
{
}

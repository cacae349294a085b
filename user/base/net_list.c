// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/net_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"

#define SPACE " \t\r\n\v\f"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* The line's only word; "" if it has none, NULL if it has more. */
static char *only_word(char *s)
{
	char *word;

	s[strcspn(s, "#;")] = '\0';
	word = s + strspn(s, SPACE);
	s = word + strcspn(word, SPACE);
	if (s[strspn(s, SPACE)])
		return NULL;
	*s = '\0';
	return word;
}

static int read_line(char *s, net_list_fn fn, void *ctx, char *err, size_t size)
{
	const char *word = only_word(s);
	struct net net;

	if (!word) {
		snprintf(err, size,
			 "more than one word: a line is one network, and a "
			 "comment begins with # or ;");
		return -EINVAL;
	}
	if (!*word)
		return 0;
	return net_parse_masked(word, &net, err, size) ? -EINVAL :
							 fn(&net, ctx);
}

int net_list_read(FILE *in, net_list_fn fn, void *ctx, size_t *line, char *err,
		  size_t size)
{
	size_t room = 0, mark = strlen(BYTE_ORDER_MARK);
	char *s = NULL;
	ssize_t len;
	int ret = 0;

	errno = 0;
	for (*line = 0; !ret && (len = getline(&s, &room, in)) >= 0;) {
		bool marked = !*line && !strncmp(s, BYTE_ORDER_MARK, mark);

		++*line;
		if (strlen(s) == (size_t)len) {
			ret = read_line(marked ? s + mark : s, fn, ctx, err,
					size);
		} else {
			snprintf(err, size, "holds a byte of zero");
			ret = -EINVAL;
		}
	}
	if (!ret && ferror(in))
		ret = errno ? -errno : -EIO;
	free(s);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/net_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/net_line.h"

static int read_line(const char *s, net_list_fn fn, void *ctx, char *err,
		     size_t size)
{
	struct net_line l;
	int ret = net_line_read(&s, net_parse_masked, &l, err, size);

	s += strspn(s, NET_LINE_SPACE);
	if (!ret && *s && !strchr(NET_LINE_COMMENT, *s)) {
		snprintf(err, size,
			 "more than a network: a line is one network, and a "
			 "comment begins with # or ;");
		return -EINVAL;
	}
	for (size_t i = 0; !ret && i < l.n; i++)
		ret = fn(&l.nets[i], ctx);
	return ret;
}

int net_list_read(FILE *in, net_list_fn fn, void *ctx, size_t *line, char *err,
		  size_t size)
{
	size_t room = 0;
	char *s = NULL;
	ssize_t len;
	int ret = 0;

	errno = 0;
	for (*line = 0; !ret && (len = getline(&s, &room, in)) >= 0;) {
		const char *text = *line ? s : net_line_unmarked(s);

		++*line;
		if (strlen(s) == (size_t)len) {
			ret = read_line(text, fn, ctx, err, size);
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

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/ban_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/duration.h"
#include "base/escape.h"

#define SPACE " \t\r\n\v\f"

/* Offset 0 holds an empty text, the reason of entries that give none. */
static int keep_reason(struct ban_file *f, const char *reason, uint32_t *at)
{
	size_t len = strlen(reason) + 1;
	int err = array_grow(&f->text, &f->text_room, f->text_len + len + 1, 1);

	if (err || f->text_len + len > UINT32_MAX)
		return -ENOMEM;
	if (!f->text_len)
		f->text[f->text_len++] = '\0';
	*at = f->text_len;
	memcpy(f->text + f->text_len, reason, len);
	f->text_len += len;
	return 0;
}

/* "#" and ";" begin a comment where a word could begin. */
static void cut_comment(char *s)
{
	for (char *c = s; *c; c++) {
		if ((*c == '#' || *c == ';') && (c == s || isspace(c[-1]))) {
			*c = '\0';
			return;
		}
	}
}

/* A time has a unit: a number without may begin a reason. */
static bool is_time(const char *s)
{
	return isdigit(*s) && !s[strspn(s, "0123456789smhd")] &&
	       s[strspn(s, "0123456789")];
}

static int wrong(char *err, size_t size, const char *what)
{
	snprintf(err, size, "%s", what);
	return -EINVAL;
}

static int check_reason(const char *s, char *err, size_t size)
{
	const char *fault = reason_fault(s);

	if (!fault)
		return 0;
	snprintf(err, size, "the reason is %s", fault);
	return -EINVAL;
}

static int parse_line(struct ban_file *f, char *s, char *err, size_t size)
{
	struct ban_file_entry e = {};
	char *word, *rest;
	size_t len;
	int ret;

	cut_comment(s);
	s += strspn(s, SPACE);
	if (!*s)
		return 0;
	word = strsep(&s, SPACE);
	e.whole = !strchr(word, '/');
	ret = net_parse(word, &e.net, err, size);
	rest = s ? s + strspn(s, SPACE) : "";
	len = strcspn(rest, SPACE);
	if (!ret && len) {
		char end = rest[len];

		rest[len] = '\0';
		if (is_time(rest)) {
			ret = duration_parse(rest, &e.seconds);
			if (ret || !e.seconds)
				ret = wrong(err, size,
					    "the time is not one like 90s, 1h "
					    "or 7d, of 100 years at most");
			rest += len + !!end;
			rest += strspn(rest, SPACE);
		} else {
			rest[len] = end;
		}
	}
	for (len = strlen(rest); len && isspace(rest[len - 1]);)
		rest[--len] = '\0';
	if (!ret)
		ret = check_reason(rest, err, size);
	if (!ret && *rest)
		ret = keep_reason(f, rest, &e.reason);
	if (!ret)
		ret = array_grow(&f->entries, &f->room, f->n + 1,
				 sizeof(*f->entries));
	if (!ret)
		f->entries[f->n++] = e;
	return ret;
}

int ban_file_read(struct ban_file *f, FILE *in, size_t *line, char *err,
		  size_t size)
{
	size_t room = 0;
	char *s = NULL;
	ssize_t len;
	int ret = 0;

	memset(f, 0, sizeof(*f));
	errno = 0;
	for (*line = 0; !ret && (len = getline(&s, &room, in)) >= 0;) {
		++*line;
		if (strlen(s) != (size_t)len)
			ret = wrong(err, size, "holds a byte of zero");
		else
			ret = parse_line(f, s, err, size);
	}
	if (!ret && ferror(in))
		ret = errno ? -errno : -EIO;
	free(s);
	return ret;
}

void ban_file_free(struct ban_file *f)
{
	free(f->entries);
	free(f->text);
	memset(f, 0, sizeof(*f));
}

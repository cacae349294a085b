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
#include "base/net_line.h"
#include "base/quoted.h"

#define SPACE NET_LINE_SPACE

/* What a line says behind its networks. */
struct said {
	uint64_t seconds;
	char reason[2 * BAN_REASON_SIZE]; /* one too long is seen as such */
	struct ban_fields fields; /* only where they are believed */
};

/* Offset 0 holds an empty text, that of entries that give none. */
static int keep_text(struct ban_file *f, const char *text, uint32_t *at)
{
	size_t len = strlen(text) + 1;
	int err = array_grow(&f->text, &f->text_room, f->text_len + len + 1, 1);

	if (err || f->text_len + len > UINT32_MAX)
		return -ENOMEM;
	if (!f->text_len)
		f->text[f->text_len++] = '\0';
	*at = f->text_len;
	memcpy(f->text + f->text_len, text, len);
	f->text_len += len;
	return 0;
}

static bool is_end(const char *s)
{
	return !*s || strchr(NET_LINE_COMMENT, *s);
}

/* The text's length without the comment, which begins where a word could. */
static size_t text_len(const char *s)
{
	size_t n = 0;

	while (s[n] && !(is_end(s + n) && (!n || isspace(s[n - 1]))))
		n++;
	while (n && isspace(s[n - 1]))
		n--;
	return n;
}

static int wrong(char *err, size_t size, const char *what)
{
	snprintf(err, size, "%s", what);
	return -EINVAL;
}

/* A time has a unit: a number without may be seconds, or a count. */
static bool is_time(const char *s, size_t n)
{
	size_t digits = strspn(s, "0123456789");

	return digits && digits < n && strspn(s, "0123456789smhd") >= n;
}

/* Does a date begin here, like "Mon, 30 Nov" or "Nov 30"? */
static bool is_date(const char *s)
{
	static const char names[] =
		"mon tue wed thu fri sat sun jan feb mar apr may jun jul aug "
		"sep oct nov dec ";
	char word[] = "xxx ";

	for (int i = 0; i < 3; i++) {
		if (!isalpha((unsigned char)s[i]))
			return false;
		word[i] = tolower((unsigned char)s[i]);
	}
	if (!strstr(names, word))
		return false;
	s += strcspn(s, SPACE);
	s += strspn(s, SPACE);
	return isdigit((unsigned char)*s) || is_date(s);
}

/* Is this a number or a date, which a reason must not be taken for? */
static bool is_figure(const char *s)
{
	s += *s == '+';
	return isdigit((unsigned char)*s) || is_date(s);
}

/* Takes a reason in quotes from s, and the fields behind it. */
static int take_quoted(const char *s, bool restore, struct said *to, char *err,
		       size_t size)
{
	const char *fault = quoted_read(&s, to->reason, sizeof(to->reason));

	if (fault)
		return wrong(err, size, fault);
	if (restore)
		return ban_fields_read(s, &to->fields, err, size);
	s += strspn(s, SPACE);
	return is_end(s) ? 0 :
			   wrong(err, size,
				 "text behind the quotes: what ban list "
				 "--plain writes there is read with --restore");
}

static int take_reason(const char *s, bool restore, struct said *to, char *err,
		       size_t size)
{
	size_t n = text_len(s);
	const char *fault;
	int ret = 0;

	if (*s == '"')
		ret = take_quoted(s, restore, to, err, size);
	else
		snprintf(to->reason, sizeof(to->reason), "%.*s", (int)n, s);
	fault = ret ? NULL : reason_fault(to->reason);
	if (!fault)
		return ret;
	snprintf(err, size, "the reason is %s", fault);
	return -EINVAL;
}

/* Reads [TIME] [REASON]. */
static int read_said(const char *s, bool restore, struct said *to, char *err,
		     size_t size)
{
	char time[64];
	size_t n;

	*to = (struct said){};
	s += strspn(s, SPACE);
	n = strcspn(s, SPACE);
	if (is_time(s, n)) {
		snprintf(time, sizeof(time), "%.*s", (int)(n < 64 ? n : 64), s);
		if (n >= sizeof(time) || duration_parse(time, &to->seconds) ||
		    !to->seconds)
			return wrong(err, size,
				     "the time is not one like 90s, 1h or 7d, "
				     "of 100 years at most");
		s += n + strspn(s + n, SPACE);
	} else if (is_figure(s)) {
		return wrong(err, size,
			     "a number or a date behind the address, which may "
			     "be a time, a count or a reason: write a time "
			     "with its unit, like 90s, 1h or 7d, and a reason "
			     "in quotes");
	}
	return take_reason(s, restore, to, err, size);
}

static int add_all(struct ban_file *f, const struct net_line *l,
		   const struct said *said)
{
	struct ban_file_entry e = {
		.whole = l->whole,
		.seconds = said->seconds,
		.window = said->fields.window,
		.failures = said->fields.failures,
		.since = said->fields.since,
		.code = said->fields.code,
		.flags = said->fields.flags,
	};
	int err = 0;

	if (*said->reason)
		err = keep_text(f, said->reason, &e.reason);
	if (!err && *said->fields.owner)
		err = keep_text(f, said->fields.owner, &e.owner);
	if (!err)
		err = array_grow(&f->entries, &f->room, f->n + l->n,
				 sizeof(*f->entries));
	for (size_t i = 0; i < l->n && !err; i++) {
		e.net = l->nets[i];
		f->entries[f->n++] = e;
	}
	return err;
}

static int parse_line(struct ban_file *f, const char *s, char *err, size_t size)
{
	struct net_line l;
	struct said said;
	int ret = net_line_read(&s, net_parse, &l, err, size);

	if (ret || !l.n)
		return ret;
	ret = read_said(s, f->restore, &said, err, size);
	return ret ? ret : add_all(f, &l, &said);
}

static int note_fault(struct ban_file *f, size_t line, const char *why)
{
	struct ban_file_fault *at;

	if (f->wrong++ >= BAN_FILE_FAULTS)
		return 0;
	if (array_grow(&f->faults, &f->faults_room, f->wrong,
		       sizeof(*f->faults)))
		return -ENOMEM;
	at = &f->faults[f->wrong - 1];
	at->line = line;
	snprintf(at->why, sizeof(at->why), "%s", why);
	return 0;
}

int ban_file_read(struct ban_file *f, FILE *in, bool restore)
{
	char why[BAN_FILE_WHY];
	size_t room = 0;
	char *s = NULL;
	ssize_t len;
	int ret = 0;

	*f = (struct ban_file){ .restore = restore };
	errno = 0;
	for (size_t line = 1; !ret && (len = getline(&s, &room, in)) >= 0;
	     line++) {
		if (strlen(s) != (size_t)len)
			ret = wrong(why, sizeof(why), "holds a byte of zero");
		else
			ret = parse_line(f,
					 line == 1 ? net_line_unmarked(s) : s,
					 why, sizeof(why));
		if (ret == -EINVAL)
			ret = note_fault(f, line, why);
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
	free(f->faults);
	memset(f, 0, sizeof(*f));
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/ban_fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/net_line.h"
#include "base/quoted.h"

__u32 owner_id(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (__u8)*name) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	return (__u32)hash ? (__u32)hash : 1;
}

/* A field's value, as a number where it is one. */
struct value {
	char text[2 * BAN_REASON_SIZE]; /* one too long is seen as such */
	bool quoted;
};

static bool take_number(const struct value *v, int base, __u32 min, __u32 max,
			__u32 *to)
{
	static const char digits[] = "0123456789abcdef";
	unsigned long long n;
	char *end;

	if (v->quoted || !*v->text ||
	    strspn(v->text, digits) != strlen(v->text))
		return false;
	n = strtoull(v->text, &end, base);
	*to = n;
	return !*end && n >= min && n <= max;
}

static bool take_owner(const struct value *v, struct ban_fields *f)
{
	if (!v->quoted || !*v->text || reason_fault(v->text))
		return false;
	strcpy(f->owner, v->text);
	f->window = owner_id(v->text);
	return true;
}

static bool take_code(const struct value *v, struct ban_fields *f)
{
	__u32 code;

	if (!take_number(v, 10, 0, 599, &code) || (code && code < 200))
		return false;
	f->code = code;
	return true;
}

static bool take_flag(const struct value *v, const char *only, __u8 flag,
		      struct ban_fields *f)
{
	if (v->quoted || strcmp(v->text, only))
		return false;
	f->flags |= flag;
	return true;
}

static bool take(const char *key, const struct value *v, struct ban_fields *f)
{
	if (!strcmp(key, "owner"))
		return take_owner(v, f);
	if (!strcmp(key, "owner-id"))
		return take_number(v, 16, 1, UINT32_MAX, &f->window);
	if (!strcmp(key, "force"))
		return take_flag(v, "yes", BAN_FORCED, f);
	if (!strcmp(key, "open"))
		return take_flag(v, "25", BAN_SPARES, f);
	if (!strcmp(key, "failures"))
		return take_number(v, 10, 1, UINT32_MAX, &f->failures);
	if (!strcmp(key, "within"))
		return take_number(v, 10, 0, UINT32_MAX, &f->window);
	if (!strcmp(key, "since"))
		return take_number(v, 10, 1, UINT32_MAX, &f->since);
	return !strcmp(key, "code") && take_code(v, f);
}

/* Moves *s behind KEY=VALUE. */
static bool split(const char **s, char *key, size_t size, struct value *v)
{
	size_t n = strcspn(*s, "=" NET_LINE_SPACE);
	size_t len;

	if ((*s)[n] != '=' || n >= size)
		return false;
	memcpy(key, *s, n);
	key[n] = '\0';
	*s += n + 1;
	v->quoted = **s == '"';
	if (v->quoted)
		return !quoted_read(s, v->text, sizeof(v->text));
	len = strcspn(*s, NET_LINE_SPACE);
	if (len >= sizeof(v->text))
		return false;
	memcpy(v->text, *s, len);
	v->text[len] = '\0';
	*s += len;
	return true;
}

/* A sensor's ban has failures, and no owner. */
static bool fit(const struct ban_fields *f, bool owner, bool within)
{
	return f->failures ? !owner : !within && !f->code;
}

int ban_fields_read(const char *s, struct ban_fields *f, char *err, size_t size)
{
	bool owner = false, within = false;
	char key[16];
	struct value v;

	*f = (struct ban_fields){};
	while (*(s += strspn(s, NET_LINE_SPACE)) &&
	       !strchr(NET_LINE_COMMENT, *s)) {
		if (!split(&s, key, sizeof(key), &v) || !take(key, &v, f)) {
			snprintf(err, size,
				 "a field behind the reason is not one that "
				 "ban list --plain writes");
			return -EINVAL;
		}
		owner |= !strncmp(key, "owner", 5);
		within |= !strcmp(key, "within");
	}
	if (fit(f, owner, within))
		return 0;
	snprintf(err, size,
		 "failures are a sensor's, who has no owner; within and code "
		 "belong to failures");
	return -EINVAL;
}

const char *ban_fields_format(const struct ban_fields *f,
			      char buf[static BAN_FIELDS_TEXT])
{
	char quoted[QUOTED_SIZE(BAN_REASON_SIZE)];
	int n = 0;

	*buf = '\0';
	if (f->failures)
		n = snprintf(buf, BAN_FIELDS_TEXT,
			     " failures=%u within=%u code=%u", f->failures,
			     f->window, f->code);
	else if (*f->owner)
		n = snprintf(buf, BAN_FIELDS_TEXT, " owner=%s",
			     quoted_format(f->owner, quoted));
	else if (f->window)
		n = snprintf(buf, BAN_FIELDS_TEXT, " owner-id=%08x", f->window);
	if (f->flags & BAN_FORCED)
		n += snprintf(buf + n, BAN_FIELDS_TEXT - n, " force=yes");
	if (f->flags & BAN_SPARES)
		n += snprintf(buf + n, BAN_FIELDS_TEXT - n, " open=25");
	if (f->since)
		snprintf(buf + n, BAN_FIELDS_TEXT - n, " since=%u", f->since);
	return buf;
}

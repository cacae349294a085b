// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tell/fields.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

#include "tell/journal.h"
#include "tell/names.h"

void fields_add(struct fields *f, const char *fmt, ...)
{
	char *text = f->text[f->n];
	va_list ap;
	int len;

	if (f->n == FIELDS_MAX)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, FIELD_SIZE, fmt, ap);
	va_end(ap);
	f->iov[f->n].iov_base = text;
	f->iov[f->n++].iov_len = len < FIELD_SIZE ? len : FIELD_SIZE - 1;
}

void record_texts(const struct record *r, struct record_texts *t)
{
	*t->net = *t->client = '\0';
	if (r->net)
		net_format(r->net, t->net);
	if (r->client)
		host_format(r->client, t->client);
	escape(r->text, r->text ? r->text_len : 0, t->text, sizeof(t->text));
	escape(r->user, r->user ? r->user_len : 0, t->user, sizeof(t->user));
}

/* Of a login that failed: who tried, and how. */
static void add_login(struct fields *f, const struct record *r,
		      const struct record_texts *t)
{
	if (r->sensor)
		fields_add(f, "SMTPXDP_SENSOR=%s", sensor_name(r->sensor));
	if (r->unanswered)
		fields_add(f, "SMTPXDP_UNANSWERED=yes");
	if (r->sensor)
		fields_add(f, "SMTPXDP_KIND=%s", offender_name(r->offender));
	if (r->users)
		fields_add(f, "SMTPXDP_USERS=%u", r->users);
	if (*t->user)
		fields_add(f, "SMTPXDP_USER=%s", t->user);
}

void fields_add_record(struct fields *f, const struct record *r,
		       const struct record_texts *t)
{
	char iface[IF_NAMESIZE];

	if (*t->client)
		fields_add(f, "SMTPXDP_CLIENT=%s", t->client);
	if (*t->net)
		fields_add(f, "SMTPXDP_NET=%s", t->net);
	if (r->code)
		fields_add(f, "SMTPXDP_CODE=%u", r->code);
	if (r->failures)
		fields_add(f, "SMTPXDP_FAILURES=%u", r->failures);
	if (r->window_sec)
		fields_add(f, "SMTPXDP_WINDOW_SEC=%u", r->window_sec);
	if (r->duration)
		fields_add(f, "SMTPXDP_DURATION_SEC=%llu",
			   (unsigned long long)r->duration);
	if (r->offence)
		fields_add(f, "SMTPXDP_OFFENCE=%u", r->offence);
	add_login(f, r, t);
	if (r->group)
		fields_add(f, "SMTPXDP_GROUP=%s", group_name(r->group));
	if (*r->country)
		fields_add(f, "SMTPXDP_COUNTRY=%s", r->country);
	if (r->asn)
		fields_add(f, "SMTPXDP_ASN=%u", r->asn);
	if (r->regular)
		fields_add(f, "SMTPXDP_REGULAR=yes");
	if (r->ifindex && if_indextoname(r->ifindex, iface))
		fields_add(f, "SMTPXDP_IFACE=%s", iface);
	if (r->connections)
		fields_add(f, "SMTPXDP_CONNECTIONS=%u", r->connections);
	if (*t->text)
		fields_add(f, "SMTPXDP_TEXT=%s", t->text);
	if (r->reason)
		fields_add(f, "SMTPXDP_REASON=%s", r->reason);
}

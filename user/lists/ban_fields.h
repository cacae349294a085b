/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a line of `ban list --plain` says of a ban behind its reason, so that
 * `ban load --restore` makes the same ban of it:
 *
 *	owner="NAME"	who wants it, or
 *	owner-id=HEX	his number, where the name is not known
 *	force=yes	drops the host's own addresses, too (BAN_FORCED)
 *	open=25		the port of deliveries is not closed (BAN_SPARES)
 *	failures=N within=SECONDS code=CODE
 *			a sensor made it, because of these
 *	since=SECONDS	when, since 1970
 *
 * Pure.
 */
#ifndef SMTPXDP_BAN_FIELDS_H
#define SMTPXDP_BAN_FIELDS_H

#include <stddef.h>

#include "ban.h"

/* The number of an owner's name, never 0. */
__u32 owner_id(const char *name);

struct ban_fields {
	char owner[BAN_REASON_SIZE]; /* his name, or "" */
	__u32 window; /* as in struct ban: seconds, or the owner's number */
	__u32 failures;
	__u32 since; /* seconds since 1970; 0: not known */
	__u16 code;
	__u8 flags; /* BAN_FORCED, BAN_SPARES */
};

/* Begins with a space, or is empty; returns buf. */
#define BAN_FIELDS_TEXT 256
const char *ban_fields_format(const struct ban_fields *f,
			      char buf[static BAN_FIELDS_TEXT]);

/* Reads all fields of a text, up to its end or a comment. -EINVAL: in `err` why. */
int ban_fields_read(const char *s, struct ban_fields *f, char *err,
		    size_t size);

#endif

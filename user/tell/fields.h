/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A message's fields, "NAME=value" each: for the journal and environments. */
#ifndef SMTPXDP_FIELDS_H
#define SMTPXDP_FIELDS_H

#include <sys/uio.h>

#include "base/address.h"
#include "base/escape.h"
#include "event.h"

#define FIELDS_MAX 32
#define FIELD_SIZE 2048

struct record;

/* Each in its own buffer, with a NUL behind. */
struct fields {
	struct iovec iov[FIELDS_MAX];
	char text[FIELDS_MAX][FIELD_SIZE];
	int n;
};

/* What a record names, as it may be shown: "" where there is nothing. */
struct record_texts {
	char net[NET_TEXT], client[ADDR_TEXT];
	char text[ESCAPED_SIZE(TEXT_SIZE)], user[ESCAPED_SIZE(USER_NAME_SIZE)];
};

void record_texts(const struct record *r, struct record_texts *t);

/* Adds a field; beyond FIELDS_MAX, none. */
__attribute__((format(printf, 2, 3))) void fields_add(struct fields *f,
						      const char *fmt, ...);

/* Adds those of a record. */
void fields_add_record(struct fields *f, const struct record *r,
		       const struct record_texts *t);

#endif

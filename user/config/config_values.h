/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parsers of the values of configuration keys. They return 0, or -EINVAL with
 * the reason in why.
 */
#ifndef SMTPXDP_CONFIG_VALUES_H
#define SMTPXDP_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "base/escape.h"

/* Bytes of a wrong value that an error shows. */
#define SHOWN 64
/* Between the items of a list. */
#define SEPARATORS ", \t"

/* Room for a parser's reason. */
#define CONFIG_ERROR_SIZE 512

/* A word that a value can be, and what it stands for. */
struct word {
	const char *name;
	unsigned int value;
};

/* The address and port of a listening socket. */
struct listen_address {
	struct addr addr;
	uint16_t port;
};

/* Where a parser writes its reason; all zero: nowhere. */
struct why {
	char *text;
	size_t size;
};

/* Writes the reason, and returns -EINVAL. */
__attribute__((format(printf, 2, 3))) int invalid(const struct why *why,
						  const char *fmt, ...);

int no_memory(const struct why *why); /* the same, -ENOMEM */

/* Escapes the beginning of a wrong value, for a reason. Returns buf. */
const char *show_value(const char *s, char buf[static ESCAPED_SIZE(SHOWN)]);

/* Finds s among `words`, which end with a NULL name. */
int parse_word(const char *s, const struct word *words, unsigned int *value,
	       const struct why *why);
int parse_bool(const char *s, bool *yes, const struct why *why);
int parse_number(const char *s, uint32_t min, uint32_t max, uint32_t *n,
		 const struct why *why);

/* ADDRESS:PORT, with brackets around an IPv6 address. */
int parse_listen(const char *s, struct listen_address *at,
		 const struct why *why);
/* "64496" or "AS64496" (RFC 5396). */
int parse_asn(const char *s, uint32_t *asn, const struct why *why);
int parse_ports(const char *s, uint64_t *bitmap, const struct why *why);

/*
 * Copies the next item of a list, split at commas and white space, into buf and
 * moves *s on. Returns 1, 0 at the end, or -EINVAL where the item is too long.
 */
int next_item(const char **s, char *buf, size_t size, const struct why *why);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The addresses in an answer of DNS, of which everything may be chosen by
 * somebody who means harm. Pure.
 */
#ifndef SMTPXDP_DNS_ANSWER_H
#define SMTPXDP_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allow_name.h"

/* What one name has of both families. */
struct dns_answer {
	struct name_addrs family[2]; /* IPv4, IPv6 */
	uint32_t ttl; /* seconds: the least of all records taken */
	uint32_t unusable; /* records with addresses that no client has */
	uint32_t too_many; /* records beyond NAME_ADDRS_MAX of a family */
};

/*
 * Could a client have this address? Not the unspecified one, loopback's,
 * multicast, link-local and reserved ones.
 */
bool dns_is_usable(const struct addr *a);

/*
 * Takes the records of `family` (0: A, 1: AAAA) that a message of a resolver
 * has for `name`, or for what that is another name of (CNAME); sets a->family's
 * fault. Of too many, the lowest: their order changes from answer to answer.
 */
void dns_answer_read(const uint8_t *msg, size_t len, const char *name,
		     int family, struct dns_answer *a);

/* Is this as dns_answer_read() makes it? For one that another process made. */
bool dns_answer_is_sound(const struct dns_answer *a);

#endif

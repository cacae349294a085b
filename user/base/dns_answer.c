// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/dns_answer.h"

#include <arpa/nameser.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/address.h"

#define CNAMES_MAX 16 /* as resolvers follow */

bool dns_is_usable(const struct addr *a)
{
	const uint8_t *b = a->b;

	if (addr_is_v4(a))
		return b[12] && b[12] != 127 && b[12] < 224 &&
		       (b[12] != 169 || b[13] != 254);
	/* ::/64 holds ::, ::1 and forms of IPv4 that nobody uses */
	return a->q[0] && b[0] != 0xff &&
	       (b[0] != 0xfe || (b[1] & 0xc0) != 0x80);
}

/* Puts an address into its place; the highest one falls off at the end. */
static void take_addr(struct dns_answer *a, struct name_addrs *f,
		      const struct addr *addr)
{
	uint32_t i = f->n;
	int diff = 1;

	if (!dns_is_usable(addr)) {
		a->unusable++;
		return;
	}
	while (i && (diff = memcmp(addr, &f->addr[i - 1], sizeof(*addr))) < 0)
		i--;
	if (i && !diff)
		return; /* twice */
	if (f->n == NAME_ADDRS_MAX)
		a->too_many++;
	else
		f->n++;
	if (i == NAME_ADDRS_MAX)
		return;
	memmove(&f->addr[i + 1], &f->addr[i],
		(f->n - 1 - i) * sizeof(*f->addr));
	f->addr[i] = *addr;
}

/*
 * Follows one link: sets `name` to what it is another name of, or leaves it,
 * and then takes the addresses. Returns whether there was a link; -1: no DNS.
 */
static int read_records(ns_msg *m, char name[static NS_MAXDNAME], int family,
			struct dns_answer *a)
{
	ns_type type = family ? ns_t_aaaa : ns_t_a;
	unsigned int size = family ? 16 : 4;
	char target[NS_MAXDNAME];
	struct addr addr;
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*m, ns_s_an); i++) {
		if (ns_parserr(m, ns_s_an, i, &rr))
			return -1;
		if (ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), name))
			continue;
		if (ns_rr_type(rr) == ns_t_cname) {
			if (ns_name_uncompress(ns_msg_base(*m), ns_msg_end(*m),
					       ns_rr_rdata(rr), target,
					       sizeof(target)) < 0)
				return -1;
			strcpy(name, target);
		} else if (ns_rr_type(rr) != type || ns_rr_rdlen(rr) != size) {
			continue;
		} else {
			addr = addr_of_family(family ? AF_INET6 : AF_INET,
					      ns_rr_rdata(rr));
			take_addr(a, &a->family[family], &addr);
		}
		if (ns_rr_ttl(rr) < a->ttl)
			a->ttl = ns_rr_ttl(rr);
		if (ns_rr_type(rr) == ns_t_cname)
			return 1;
	}
	return 0;
}

static enum dns_fault read_message(const uint8_t *msg, size_t len,
				   const char *asked, int family,
				   struct dns_answer *a)
{
	char name[NS_MAXDNAME];
	int links = 0, more;
	ns_msg m;

	if (len > INT_MAX || ns_initparse(msg, len, &m))
		return DNS_SENSELESS;
	snprintf(name, sizeof(name), "%s", asked);
	while ((more = read_records(&m, name, family, a)) > 0)
		if (++links > CNAMES_MAX)
			return DNS_SENSELESS;
	return more ? DNS_SENSELESS : DNS_OK;
}

void dns_answer_read(const uint8_t *msg, size_t len, const char *name,
		     int family, struct dns_answer *a)
{
	struct name_addrs *f = &a->family[family];
	uint32_t unusable = a->unusable;

	f->fault = read_message(msg, len, name, family, a);
	if (f->fault)
		f->n = 0;
	else if (!f->n)
		f->fault =
			a->unusable > unusable ? DNS_UNUSABLE : DNS_NO_ADDRESS;
}

bool dns_answer_is_sound(const struct dns_answer *a)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const struct name_addrs *f = &a->family[v6];

		if (f->n > NAME_ADDRS_MAX || f->fault >= DNS_FAULTS_MAX ||
		    (f->fault == DNS_OK) != (f->n > 0))
			return false;
		for (uint32_t i = 0; i < f->n; i++)
			if (!dns_is_usable(&f->addr[i]))
				return false;
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses and networks, also as people write them. Pure.
 *
 * User space has one type for clients, networks and hosts: struct net, with the
 * bits behind its length zero. A host is a network of 128 bits. Events, the
 * kernel's interfaces and some maps have a struct addr: that is converted by
 * net_of() where it is read. A map whose key is a struct addr takes the member
 * `addr` of a struct net for it.
 */
#ifndef SMTPXDP_ADDRESS_H
#define SMTPXDP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define ADDR_TEXT 46 /* INET6_ADDRSTRLEN */
#define NET_TEXT 50

/*
 * "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7" (the same as the first).
 * Returns 0 or -EINVAL.
 */
int addr_parse(const char *s, struct addr *a);
int host_parse(const char *s, struct net *host);

/*
 * ADDR or ADDR/LEN; without LEN, a whole address. Returns 0 or -EINVAL, and
 * then in `err` why, for people: it names the input and, where bits behind
 * the prefix are set, the network that was probably meant.
 */
int net_parse(const char *s, struct net *n, char *err, size_t size);
/* The same, but bits behind the prefix are cleared. */
int net_parse_masked(const char *s, struct net *n, char *err, size_t size);

/* All return buf. net_format() writes the length, always; the others do not. */
const char *addr_format(const struct addr *a, char buf[static ADDR_TEXT]);
const char *host_format(const struct net *host, char buf[static ADDR_TEXT]);
const char *net_format(const struct net *n, char buf[static NET_TEXT]);

/* len counts as in struct net: an IPv4 prefix is 96 more. */
void addr_mask(struct addr *a, unsigned int len);

/* The network of the first `len` bits of an address. */
struct net net_of(const struct addr *a, unsigned int len);

/* The network of `len` bits whose first bits are those of another one. */
struct net net_around(const struct net *n, unsigned int len);

/* The network's first address, where a struct addr cannot be done without. */
struct addr net_addr(const struct net *n);

bool net_equal(const struct net *a, const struct net *b);
bool net_contains(const struct net *outer, const struct net *inner);
/* The address of AF_INET or AF_INET6 that these bytes are. */
struct addr addr_of_family(int family, const void *bytes);
bool addr_is_loopback(const struct addr *a);
bool net_is_v4(const struct net *n);

/* Is it of a network that strangers do not come from? As bpf/arrive.h. */
bool host_is_private(const struct net *host);
/* Is it of those that hold on one link only? */
bool host_is_of_link(const struct net *host);

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses and networks as people write them. Pure. */
#ifndef SMTPXDP_ADDRESS_H
#define SMTPXDP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define ADDR_TEXT 46 /* INET6_ADDRSTRLEN */
#define NET_TEXT 50

/* "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7" (the same as the first). */
int addr_parse(const char *s, struct addr *a);

/*
 * ADDR or ADDR/LEN; without LEN, a whole address. Returns 0 or -EINVAL, and
 * then in `err` why, for people: it names the input and, where bits behind
 * the prefix are set, the network that was probably meant.
 */
int net_parse(const char *s, struct net *n, char *err, size_t size);
/* The same, but such bits do not count. */
int net_parse_masked(const char *s, struct net *n, char *err, size_t size);

/* Both return buf. A network is written with its length, always. */
const char *addr_format(const struct addr *a, char buf[static ADDR_TEXT]);
const char *net_format(const struct net *n, char buf[static NET_TEXT]);

/* len counts as in struct net: an IPv4 prefix is 96 more. */
void addr_mask(struct addr *a, unsigned int len);
struct net net_of(const struct addr *a, unsigned int len);
struct addr net_addr(const struct net *n);
bool net_contains(const struct net *outer, const struct net *inner);
bool addr_is_loopback(const struct addr *a);
bool net_is_v4(const struct net *n);

#endif

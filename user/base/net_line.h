/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The networks that a line of a list begins with, as lists are published:
 * ADDR, ADDR/LEN, ADDR/NETMASK, ADDR NETMASK, FIRST - LAST. "#" and ";" end
 * them. Pure.
 */
#ifndef SMTPXDP_NET_LINE_H
#define SMTPXDP_NET_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define NET_LINE_SPACE " \t\r\n\v\f"
#define NET_LINE_COMMENT "#;"
/* A range of IPv6 takes two networks of each length, at most. */
#define NET_LINE_MAX 256

struct net_line {
	struct net nets[NET_LINE_MAX]; /* of a range: the fewest that make it */
	size_t n; /* 0: the line is empty, or a comment */
	bool whole; /* one address, and nothing of a length */
};

/* How a network is parsed: net_parse() or net_parse_masked() of address.h. */
typedef int (*net_parse_fn)(const char *s, struct net *n, char *err,
			    size_t size);

/*
 * Reads the networks of a line, and moves *s behind them. 0, or -EINVAL and in
 * `err` why: what may mean one thing or another is refused, not guessed.
 */
int net_line_read(const char **s, net_parse_fn parse, struct net_line *l,
		  char *err, size_t size);

/* Steps over a byte order mark, with which some editors begin a file. */
const char *net_line_unmarked(const char *s);

#endif

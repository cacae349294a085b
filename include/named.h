/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map named: the connections that come from proxies (key `proxies`), and the
 * client that the proxy names for each: see bpf/proxy.h.
 */
#ifndef SMTPXDP_NAMED_H
#define SMTPXDP_NAMED_H

#include "addr.h"

enum named_state {
	NAMED_AWAITED, /* the proxy's header has not come, or not all of it */
	NAMED_CLIENT, /* the proxy has named the client */
	/* it names nobody (LOCAL, UNKNOWN), or what it sends is no header */
	NAMED_NOBODY,
	/*
	 * the client's own connection to a proxy on this host, which goes on as
	 * another one: only that one counts
	 */
	NAMED_RELAYED,
};

/* An unfinished address in text: see bpf/pure/proxy_header.h. */
struct proxy_text {
	__u16 group[8]; /* of IPv6 */
	__u32 dotted; /* IPv4, also at the end of IPv6 */
	__u32 decimal; /* the unfinished number, read by base 10 */
	__u16 hex; /* and by base 16 */
	__u8 n; /* groups so far */
	__u8 gap; /* 1 + groups before "::", or 0 */
	__u8 digits; /* of the unfinished number */
	__u8 colons; /* just before it */
	__u8 dots;
	__u8 pad;
};

/* An unfinished header of the PROXY protocol. */
struct proxy_header {
	struct addr src; /* the client */
	struct addr dst; /* where it connected to */
	__be16 sport;
	__be16 dport;
	__u32 pos; /* bytes so far */
	__u32 size; /* of version 2: bytes in all */
	__u8 version; /* 1, 2; 0 before the first byte */
	__u8 field; /* version 1: enum proxy_field; 2: the family's byte */
	__u8 v6; /* 1: the addresses are IPv6 */
	__u8 names; /* 1: it is to name a client */
	struct proxy_text text;
};

/* A line that may be XCLIENT: see bpf/pure/xclient.h. */
struct xclient {
	struct addr addr;
	__u8 mode; /* enum xclient_mode */
	__u8 found; /* enum xclient_found */
	__u8 pos; /* in the word or value under way */
	__u8 v6; /* 1: the address under way is IPv6 */
	__u8 quoted; /* characters of xtext's "+XX" still to come */
	__u8 byte; /* what they have told so far */
	__u8 pad[2];
};

struct named {
	struct addr client; /* NAMED_CLIENT: the address, not masked */
	__u32 first_seq; /* TCP sequence number of the proxy's first byte */
	__u32 next_seq; /* of the next byte of the header, or behind it */
	__u8 state; /* enum named_state */
	__u8 told; /* 1: the daemon knows that it is to be cut */
	__u8 ended; /* 1: the server's socket is closed */
	__u8 asked; /* 1: `xclient` waits for its reply */
	__u32 logins; /* that were charged to nobody */
	__u64 last; /* jiffies: the last of these */
	__u32 asked_reply; /* number of the reply that answers `xclient` */
	__u32 pad;
	struct proxy_header header;
	struct xclient xclient;
};

_Static_assert(sizeof(struct proxy_header) == 80, "part of a map value");
_Static_assert(sizeof(struct named) == 152, "map value");

#endif

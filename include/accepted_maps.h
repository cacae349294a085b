/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which connections a mail server has accepted: see bpf/accepted.h. */
#ifndef SMTPXDP_ACCEPTED_MAPS_H
#define SMTPXDP_ACCEPTED_MAPS_H

#include "addr.h"

/* Who listened where a socket was accepted. */
enum listener {
	LISTENER_NONE, /* nobody: the connection was begun here */
	LISTENER_SERVER,
	LISTENER_USER, /* a user without rights: see listener_of() */
};

/* Map accepted_socks: the mark of a socket that was accepted. */
struct accepted_sock {
	__u32 listener; /* enum listener */
};

/*
 * Map accepted_elsewhere: a connection that a server in another network
 * namespace has accepted, until its first bytes leave; then it is in map
 * forwarded. NAT may change the server's address and port, but not these.
 */
struct accepted_key {
	struct addr client;
	__u32 first_seq; /* TCP sequence number of the server's first byte */
	__be16 client_port;
	__u16 pad;
};

struct accepted_at {
	__u32 port; /* the server's, as it sees that itself */
};

/* How a server's socket stood when its connection ended. */
struct ended {
	__u32 read_seq; /* what the server has read, a FIN not included */
	__u32 write_seq; /* TCP sequence number behind all that it wrote */
	__u32 snd_una; /* behind all that the client has acknowledged */
};

/*
 * Map ended_elsewhere: a connection of a server in another network namespace
 * that has ended, until what the server wrote has left here.
 */
struct ended_elsewhere {
	struct ended ended;
	__u32 first_seq; /* as in struct stream */
	__u32 when; /* tick of the windows */
};

/* Map doubts: why replies were not believed, and when that was last so. */
enum doubt {
	DOUBT_FORWARDED, /* no socket of this machine is known to send them */
	DOUBT_USER, /* LISTENER_USER */
	DOUBTS_MAX
};

struct doubted {
	struct addr server;
	__u64 when; /* jiffies; 0: never */
	__u32 port;
	__u32 pad;
};

_Static_assert(sizeof(struct accepted_key) == 24, "map key");
_Static_assert(sizeof(struct doubted) == 32, "map value");

#endif

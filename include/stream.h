/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One direction of one TCP connection, server to client: map streams. */
#ifndef SMTPXDP_STREAM_H
#define SMTPXDP_STREAM_H

#include "addr.h"
#include "settings.h"

/* How much of a line is looked at; the rest is only searched for its end. */
#define LINE_SIZE TEXT_SIZE

/* How a line begins; what is behind its end is anything. */
struct line {
	__u8 bytes[LINE_SIZE];
};

/* The reply line in the making: see bpf/pure/reply.h. */
struct reply {
	__u8 len;     /* bytes of the line that are kept, up to LINE_SIZE */
	__u8 skip;    /* the line is longer: what follows is not kept */
	__u8 by_text; /* what a text said on an earlier line of this reply:
			 enum action + 1, or 0 */
	__u8 pad;
	__u16 begun; /* the code of those earlier lines, or 0 */
	__u8 pad2[2];
	/* The line's first bytes; behind them, room to load the next ones. */
	union {
		__u8 line[2 * LINE_SIZE];
		__u64 word[2 * LINE_SIZE / 8];
		struct line first;
	};
};

/*
 * A TLS record, up to where a ServerHello's random ends (RFC 8446, 4.1.3 and
 * 5.1): 5 bytes of record header, 4 of handshake header, 2 of version, 32.
 */
#define HELLO_SIZE 43
#define HELLO_RANDOM_AT 11

enum hello_state { HELLO_WANTED, HELLO_READ, HELLO_MISSED };

/* The ServerHello in the making: see bpf/hello.h. */
struct hello {
	__u32 skip; /* bytes before the next record begins */
	__u8 len;   /* of the record's that are kept */
	__u8 state; /* enum hello_state */
	__u8 pad[2];
	__u8 byte[2 * HELLO_SIZE]; /* them, and room to load the next ones */
};

struct stream_key {
	struct addr server;
	struct addr client;
	__be16 server_port;
	__be16 client_port;
	__u32 pad;
};

/* Whether the server offers AUTH: what its reply to EHLO says. */
enum offer { OFFER_UNKNOWN, OFFER_MADE, OFFER_NOT_MADE };

/* What the stream has come to: bits of stream.state. */
enum stream_state {
	STREAM_FOLLOWED = 1,	/* its dialogue has been known */
	STREAM_ADRIFT = 2,	/* no telling which reply answers what */
	STREAM_MESSAGE = 4,	/* the client sends a message (354) */
	STREAM_LOGGED_IN = 8,	/* a reply earned credit */
	STREAM_TLS = 16,	/* the client may begin TLS (220) */
	STREAM_ENDED = 32,	/* the server's socket is closed */
};

struct stream {
	__u32 next_seq;	 /* the first byte that was not read yet */
	__u32 encrypted; /* TLS: its ServerHello is the last that is read */
	__u32 first_seq; /* from which byte on these are counted: */
	__u32 replies; /* but challenges (334) */
	__u32 challenges;
	__u32 read_seq; /* how far the server had read at the last of replies */
	__u16 refused;	/* replies that counted */
	__u8 state;	/* enum stream_state */
	__u8 offer;	/* enum offer */
	__u32 messages; /* 354 */
	union {		 /* what is unfinished at next_seq */
		struct reply reply;
		struct hello hello; /* once it is encrypted */
	};
};

_Static_assert(sizeof(struct reply) == 8 + 2 * LINE_SIZE, "map value");
_Static_assert(sizeof(struct stream_key) == 40, "map key");
_Static_assert(sizeof(struct stream) == 40 + 2 * LINE_SIZE, "map value");

#endif

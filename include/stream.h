/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map streams: the server's side of one TCP connection. */
#ifndef SMTPXDP_STREAM_H
#define SMTPXDP_STREAM_H

#include "addr.h"
#include "refusals.h"
#include "settings.h"

/* Bytes kept of a line; the rest is only searched for its end. */
#define LINE_SIZE TEXT_SIZE

/* The beginning of a line; bytes behind its end are undefined. */
struct line {
	__u8 bytes[LINE_SIZE];
};

/* An unfinished reply line: see bpf/pure/reply.h. */
struct reply {
	__u8 len; /* bytes of the line so far, up to LINE_SIZE */
	/* 1: the line is longer than LINE_SIZE; the rest is not kept */
	__u8 skip;
	/* enum action + 1 by a text on an earlier line of the reply, or 0 */
	__u8 by_text;
	__u8 pad;
	__u16 begun; /* code of the reply's earlier lines, or 0 */
	__u8 pad2[2];
	/* The line's first bytes, and room to load more behind them. */
	union {
		__u8 line[2 * LINE_SIZE];
		__u64 word[2 * LINE_SIZE / 8];
		struct line first;
	};
};

/*
 * A TLS record up to the end of a ServerHello's random (RFC 8446, 4.1.3 and
 * 5.1): 5 bytes of record header, 4 of handshake header, 2 of version, 32.
 */
#define HELLO_SIZE 43
#define HELLO_RANDOM_AT 11

enum hello_state { HELLO_WANTED, HELLO_READ, HELLO_MISSED };

/* Key of a TLS session: the library's object in one process. */
struct tls_key {
	__u64 object; /* address: SSL *, gnutls_session_t */
	__u32 tgid;
	__u32 started; /* process_started(): tgid and address are reused */
};

/* An unfinished ServerHello: see bpf/hello.h. */
struct hello {
	__u32 skip; /* bytes to skip before the next record */
	__u8 len; /* bytes of the record kept in byte[] */
	__u8 state; /* enum hello_state */
	/* times that the client spoke since, see note_unseen(); 255: noted */
	__u8 turns;
	__u8 pad;
	__u32 heard; /* the server's acknowledgment at the last turn */
	__u8 byte[2 * HELLO_SIZE]; /* the record, and room to load more */
	__u8 pad2[2];
	struct tls_key session; /* object 0: not known */
};

struct stream_key {
	struct addr server;
	struct addr client;
	__be16 server_port;
	__be16 client_port;
	__u32 pad;
};

/* Does the server's reply to EHLO offer AUTH? */
enum offer { OFFER_UNKNOWN, OFFER_MADE, OFFER_NOT_MADE };

/* Bits of stream.state. */
enum stream_state {
	STREAM_FOLLOWED = 1, /* map dialogues had its client's side */
	STREAM_ADRIFT = 2, /* which reply answers which AUTH is not known */
	STREAM_MESSAGE = 4, /* the client sends a message (354) */
	STREAM_LOGGED_IN = 8, /* the client has logged in */
	STREAM_TLS = 16, /* the client may begin TLS (220) */
	STREAM_FORWARDED = 32, /* the server's socket is not known here */
	STREAM_RESET = 64, /* the connection ended without a FIN */
};

struct stream {
	__u32 next_seq; /* TCP sequence number of the next byte to read */
	__u32 encrypted; /* 1: TLS has begun; only its ServerHello is read */
	/* sequence number from which replies and challenges are counted */
	__u32 first_seq;
	__u32 replies; /* replies so far, without challenges */
	__u32 challenges; /* challenges (334) so far */
	__u32 read_seq; /* copied_seq of the server when the last reply left */
	__u16 refused; /* replies that counted as failures */
	__u8 state; /* enum stream_state */
	__u8 offer; /* enum offer */
	__u32 messages; /* messages so far: replies 354 */
	/* close.bpf.c has counted the failures of replies below this number */
	__u32 charged_to;
	__u32 charged; /* how many these are */
	/* the reply that overdue() has found held back, + 1; 0: none */
	__u32 held;
	__u32 held_since; /* tick of the window */
	struct refusals refusals;
	__u32 pad;
	/* unfinished at next_seq: the reply; with TLS, the ServerHello */
	union {
		struct reply reply;
		struct hello hello;
	};
};

_Static_assert(sizeof(struct reply) == 8 + 2 * LINE_SIZE, "map value");
_Static_assert(sizeof(struct stream_key) == 40, "map key");
_Static_assert(sizeof(struct tls_key) == 16, "map key");
_Static_assert(sizeof(struct hello) <= sizeof(struct reply), "beside it");
_Static_assert(sizeof(struct stream) == 72 + 2 * LINE_SIZE, "map value");

#endif

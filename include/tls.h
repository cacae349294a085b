/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the TLS sensor remembers: maps tls_*. */
#ifndef SMTPXDP_TLS_H
#define SMTPXDP_TLS_H

#include "addr.h"
#include "dialogue.h"
#include "sighting.h"
#include "stream.h"

/*
 * What makes a TLS session unmistakable: how the random of its ServerHello
 * begins. On the wire it is in the clear; the library keeps it in the session.
 */
struct tls_random {
	__u64 q[2];
};

/* Map tls_hellos: who got that ServerHello, as the wire sensor saw it. */
struct tls_hello {
	struct addr client;
	__u16 port; /* the mail server's */
	__u8 pad[6];
};

/*
 * Map tls_places: where in its objects a library keeps that random, by the
 * library (the cookie of its probes: what its build-id begins with).
 */
struct tls_place {
	__u32 offset;
};

/* A TLS session is the library's object in one process. */
struct tls_key {
	__u64 object; /* SSL *, gnutls_session_t */
	__u32 tgid;
	__u32 started; /* when; for both numbers may come again */
};

enum tls_peer {
	TLS_PEER_UNKNOWN,
	TLS_PEER_SOCKET, /* the client is whom the write call sent to, or */
	TLS_PEER_HELLO,	 /* who got the ServerHello with the random at place */
	TLS_PEER_OTHER,	 /* no client of a mail server: none of our business */
};

struct tls_session {
	struct addr client;
	__u16 port;
	__u8 peer;     /* enum tls_peer */
	__u8 searches; /* for the place of the random: they are dear */
	__u32 place;   /* of the random in the object */
	struct tls_random random;
	__u64 ahead_hash; /* of the bytes that were read, but the library did */
	__u32 ahead;	  /* not take: the server will hand them over again */
	__u32 pad;
	struct reply reply; /* what was unfinished at the end of a write */
};

/* A thread's call of the write function, and what came of it. */
struct tls_task {
	struct tls_key key; /* object 0: no call is of interest any more */
	__u64 buf;
	__u64 num;
	__u64 written; /* size_t *, where the function has such an argument */
	__u64 stack;   /* the stack pointer at the call, */
	__u64 caller;  /* and what it points to */
	__u64 library; /* in which the call is */
	__u32 in_call;
	__u32 pending; /* failures that nobody is charged with yet: */
	struct sighting at; /* the last of them */
	struct reply reply; /* the line in the making, while a write is read */
	struct line head; /* how what was written begins, to know it again */
};

/* Map tls_dialogues: what the client says in a session, from EHLO on. */
struct tls_dialogue {
	__u32 replies; /* but challenges (334), */
	__u32 challenges;
	__u32 lost; /* no telling which reply answers what */
	__u32 refused; /* replies that counted */
	__u8 over; /* nobody can log in any more, or we cannot follow */
	__u8 message; /* the client sends one (354) */
	__u8 pad[6];
	struct dialogue d;
};

/* A thread's call of the read function. */
struct tls_reading {
	struct tls_key key;
	__u64 buf; /* 0: none is under way */
	__u64 num;
	__u64 got; /* size_t *, where the function has such an argument */
};

/* A process that sends from mail ports: map mail_procs, by its pid as the
 * daemon's PID namespace has it. */
struct mail_proc {
	__u64 writes; /* of its TLS libraries that we have seen */
	__u64 blind;  /* sends on TLS streams without such a write before */
	__u16 port;   /* of the last of those */
	__u8 known;   /* user space: a library that is probed is mapped */
	__u8 pad[5];
	char name[16];
};

_Static_assert(sizeof(struct tls_key) == 16, "map key");
_Static_assert(sizeof(struct tls_hello) == 24, "map value");
_Static_assert(sizeof(struct tls_session) == 56 + sizeof(struct reply),
	       "map value");
_Static_assert(sizeof(struct tls_task) ==
		       72 + sizeof(struct sighting) + sizeof(struct reply) +
			       sizeof(struct line),
	       "map value");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keys and values of the TLS sensor: maps tls_* and mail_procs. */
#ifndef SMTPXDP_TLS_H
#define SMTPXDP_TLS_H

#include "addr.h"
#include "dialogue.h"
#include "sighting.h"
#include "stream.h"

#define TLS_APPLICATION_DATA 23 /* RFC 8446, section 5.1: TLSPlaintext.type */

/*
 * A TLS session's mark: the first 16 bytes of its ServerHello's random. The
 * wire shows it in the clear, and the library keeps it in the session's object.
 */
struct tls_random {
	__u64 q[2];
};

/* Map tls_hellos: the client to which the wire sensor saw this one go. */
struct tls_hello {
	struct addr client;
	__u16 port; /* local port of the mail server */
	__u8 seen; /* 1: the TLS sensor knows this session */
	__u8 pad[5];
	struct stream_key stream; /* all zero: an earlier version's entry */
	__u64 sent; /* ns of CLOCK_BOOTTIME */
};

/*
 * Map tls_places: the offset of that random in a session's object. The key is
 * the library: the cookie of its probes, the first bytes of its build-id.
 */
struct tls_place {
	__u32 offset; /* bytes from the object's address */
};

enum tls_peer {
	TLS_PEER_UNKNOWN,
	/* proved: the write call itself sent on the client's socket */
	TLS_PEER_SOCKET,
	/* proved: the client got the ServerHello with this random */
	TLS_PEER_HELLO,
	TLS_PEER_OTHER, /* not a mail server's session: ignored */
};

struct tls_session {
	struct addr client;
	__u16 port;
	__u8 peer; /* enum tls_peer */
	__u8 searches; /* searches for the random so far: they are costly */
	__u32 place; /* offset of the random in the object; 0: not known */
	struct tls_random random;
	struct stream_key stream; /* its connection; all zero: not known */
	/* hash of the bytes that were read, but not taken by the library */
	__u64 ahead_hash;
	__u32 ahead; /* how many these are: the server will write them again */
	__u32 pad;
	struct reply reply; /* the line that the last write left unfinished */
};

/* Map tls_tasks: a thread's last call of a write function. */
struct tls_task {
	struct tls_key key; /* object 0: no call to attribute sends to */
	__u64 buf;
	__u64 num;
	__u64 written; /* address of the size_t for the bytes written, or 0 */
	__u64 stack; /* stack pointer at the call */
	__u64 caller; /* the word at that stack pointer */
	__u64 library; /* cookie of the probe: the library */
	__u32 in_call; /* 1: the call has not returned */
	__u32 pending; /* failures seen whose client is not known yet */
	__u64 hash; /* of the user that has logged in by the last reply, or 0 */
	__u32 partial; /* 1: that reply came before all of its AUTH */
	__u32 pad;
	struct sighting at; /* the last such failure */
	struct reply reply; /* the unfinished line, while a write is read */
	struct line head; /* start of the bytes that hash_of() is computed of */
};

/* Map tls_dialogues: the client's side of a TLS session, from EHLO on. */
struct tls_dialogue {
	__u32 replies; /* replies so far, without challenges */
	__u32 challenges;
	__u32 lost; /* 1: which reply answers which AUTH is not known */
	__u32 refused; /* replies that counted as failures */
	struct refusals refusals;
	/* 1: the client has logged in, or its text cannot be followed */
	__u8 over;
	__u8 message; /* 1: the client sends a message (354) */
	__u8 pad[2];
	/* the failures of replies below this number are counted */
	__u32 charged_to;
	__u32 pad2;
	struct dialogue d;
};

/* Map tls_readings: a thread's call of a read function. */
struct tls_reading {
	struct tls_key key;
	__u64 buf; /* 0: no call is under way */
	__u64 num;
	__u64 got; /* address of the size_t for the bytes read, or 0 */
};

/*
 * The cookie of a trial's probes: its number, and whether the function behind
 * has the record's type before the buffer.
 */
#define TLS_TRIAL_TYPED 1
#define TLS_TRIAL_OF(cookie) ((cookie) & ~(__u64)TLS_TRIAL_TYPED)

/* Map tls_trials, by TLS_TRIAL_OF(): successful calls of exported functions. */
struct tls_trial {
	__u64 agreed; /* that were handed on to the function behind */
	__u64 differed; /* mail servers': that were not, or otherwise */
};

/* Map tls_tries: a thread's call of an exported function. */
struct tls_try {
	__u64 trial; /* 0: no call is under way */
	__u64 object;
	__u64 buf;
	__u32 num;
	__u32 seen; /* 1: the function behind was called */
};

/*
 * Map mail_procs: a process that serves mail ports; the key is its pid in
 * the daemon's PID namespace.
 */
struct mail_proc {
	/* write calls that the probes saw, of those for whom it is a proxy, too */
	__u64 writes;
	__u64 blind; /* sends on TLS streams before any such write */
	__u16 port; /* mail port of the last blind send */
	__u8 known; /* user space: it has mapped a library with probes */
	__u8 pad[5];
	char name[16]; /* the process's command name */
};

_Static_assert(sizeof(struct tls_hello) == 72, "map value");
_Static_assert(sizeof(struct tls_session) == 96 + sizeof(struct reply),
	       "map value");
_Static_assert(sizeof(struct tls_task) == 88 + sizeof(struct sighting) +
						  sizeof(struct reply) +
						  sizeof(struct line),
	       "map value");

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the TLS sensor remembers: maps tls_sessions and tls_tasks. */
#ifndef SMTPXDP_TLS_H
#define SMTPXDP_TLS_H

#include "addr.h"
#include "stream.h"

/* A TLS session is the library's object in one process. */
struct tls_key {
	__u64 object; /* SSL *, gnutls_session_t */
	__u32 tgid;
	__u32 started; /* when; for both numbers may come again */
};

enum tls_peer {
	TLS_PEER_UNKNOWN,
	TLS_PEER_CLIENT, /* of a mail port: address and port are set */
	TLS_PEER_OTHER,	 /* of some other socket: none of our business */
};

struct tls_session {
	struct addr client;
	__u16 port;
	__u8 peer; /* enum tls_peer */
	__u8 feeds; /* times in a row that `source` came before a handshake */
	__u8 pad[4];
	__u64 source; /* cookie of the socket that its handshake came from */
	struct reply reply; /* what was unfinished at the end of a write */
};

/* A thread's call of the write function, and what came of it. */
struct tls_task {
	struct tls_key key; /* object 0: no call is of interest any more */
	__u64 buf;
	__u64 num;
	__u64 written; /* size_t *, where the function has such an argument */
	__u32 in_call;
	__u32 pending;	/* failures that nobody is charged with yet */
	__u64 sent;	/* bytes of plaintext that was accepted */
	__u16 code;	/* of the last of them */
	__u16 text_len;
	__u32 pad;
	__u64 source; /* cookie of the socket received from a moment ago, or 0 */
	__u64 fed; /* the object whose handshake took that, or 0 */
	struct line text;
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
_Static_assert(sizeof(struct tls_session) == 32 + sizeof(struct reply),
	       "map value");
_Static_assert(sizeof(struct tls_task) == 80 + LINE_SIZE, "map value");

#endif

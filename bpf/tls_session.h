/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLS sensor's state, shared by tls_write.bpf.c (the plaintext that a
 * thread writes), tls_send.bpf.c (the socket that the thread then sends on) and
 * tls_read.bpf.c.
 *
 * No failure is charged to a wrong client. The order of a thread's reads,
 * writes and sends proves nothing, for some servers answer many clients before
 * they send, or send for other threads. So a session's client must be proved in
 * one of two ways, or its failures are counted as unattributed:
 *
 * By the ServerHello. Its random is new for each session and in the clear on
 * the wire, where the wire sensor (hello.h) sees its destination; the library
 * keeps it in the session's object. So the client of an object is the
 * destination of the ServerHello with the object's random. The offset in the
 * object differs by library and version (OpenSSL 3.0: 320, 3.5: 360, GnuTLS:
 * 112) and is found once for each library: when a thread sends on a socket
 * after a write, the object written to is searched for the random that left on
 * this very socket. Only for that one: the object also holds bytes that the
 * client chooses (its own random, a session id), so a client with two
 * connections could place one's random in the other's object. The random of the
 * same connection it cannot know in advance.
 *
 * Where the wire sensor does not see the socket's connection at all, a proxy in
 * user space may stand between (Docker's, HAProxy on this host), or NAT that
 * hides the client: the ServerHello then left on another connection, the
 * client's. So the object is searched for each random that the wire sensor knows.
 * The one that left last is its own: a client must have got another one's random
 * before it can choose it as its own. The place is not learned from that.
 *
 * By the socket: the write call itself sends on it. For servers without a wire
 * sensor in their way (loopback), and libraries that keep the random elsewhere.
 */
#ifndef SMTPXDP_TLS_SESSION_H
#define SMTPXDP_TLS_SESSION_H

#include <stdbool.h>

#include "kernel.h"
#include "maps.h"
#include "sign.h"
#include "tls.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tls_key);
	__type(value, struct tls_session);
} tls_sessions MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tls_key);
	__type(value, struct tls_dialogue);
} tls_dialogues MAP;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_task);
} tls_tasks MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct tls_place);
} tls_places MAP;

static const struct tls_session session_zero;

/* The current thread's last write call. */
static __always_inline struct tls_task *task_get(__u64 flags)
{
	return bpf_task_storage_get(&tls_tasks, bpf_get_current_task_btf(), 0,
				    flags);
}

/* The current process's session with this object. */
static __always_inline struct tls_key key_of(__u64 object)
{
	struct tls_key key = {
		.object = object,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.started = process_started(),
	};

	return key;
}

/* Finds or makes a session's entry. NULL: no room. */
static __always_inline struct tls_session *session_get(const struct tls_key *k)
{
	struct tls_session *s = bpf_map_lookup_elem(&tls_sessions, k);

	if (s)
		return s;
	bpf_map_update_elem(&tls_sessions, k, &session_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tls_sessions, k);
}

/* Reads the random at an offset of an object. False: memory not readable. */
static __always_inline bool random_at(__u64 object, __u32 place,
				      struct tls_random *r)
{
	return !bpf_probe_read_user(r, sizeof(*r), (void *)(object + place));
}

static __always_inline bool same_random(const struct tls_random *a,
					const struct tls_random *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* Does the current process listen on a mail port, or send from one? */
static __always_inline bool is_mail_server(void)
{
	__u32 pid = process_id();

	return bpf_map_lookup_elem(&mail_procs, &pid);
}

/*
 * Notes that a session and a connection are each other's, so that the end of
 * the socket is the session's: see tls_close.bpf.c. Not so for a connection that
 * the wire sensor does not see.
 */
static __always_inline void link_stream(struct tls_session *ses,
					const struct tls_key *session,
					const struct stream_key *key)
{
	struct stream *st = bpf_map_lookup_elem(&streams, key);

	if (!st || !st->encrypted)
		return;
	st->hello.session = *session;
	ses->stream = *key;
}

/*
 * Proves a session's client by the random at this offset of its object. NULL: no
 * proof. To a process that serves no mail, or that is not watched, nothing is
 * proved.
 */
static __always_inline struct tls_session *prove_at(const struct tls_task *t,
						    __u32 offset)
{
	struct tls_session *ses;
	struct tls_hello *hello;
	struct tls_random r;

	if (!random_at(t->key.object, offset, &r))
		return NULL;
	hello = bpf_map_lookup_elem(&tls_hellos, &r);
	if (!hello || !is_watched() || !is_mail_server())
		return NULL;
	hello->seen = 1;
	ses = session_get(&t->key);
	if (!ses)
		return NULL;
	ses->client = hello->client;
	ses->port = hello->port;
	ses->place = offset;
	ses->random = r;
	ses->peer = TLS_PEER_HELLO;
	link_stream(ses, &t->key, &hello->stream);
	return ses;
}

/* The same at the library's known offset. */
static __always_inline struct tls_session *prove(const struct tls_task *t)
{
	struct tls_place *place = bpf_map_lookup_elem(&tls_places, &t->library);

	return place ? prove_at(t, place->offset) : NULL;
}

/* Does anything need the client's side of dialogues inside TLS? */
static __always_inline bool wants_session(const struct settings *s)
{
	return s->users & USERS_TLS || s->unanswered || s->proxies;
}

/*
 * Drops pending failures and counts them as unattributed; not those of servers
 * that are not watched. Not inlined, to save stack.
 */
static __noinline __attribute__((unused)) int drop_pending(struct tls_task *t)
{
	__u32 pending = t->pending;
	struct addr nobody = {};

	if (!pending)
		return 0;
	t->pending = 0;
	if (is_watched()) {
		count_many(COUNTER_UNATTRIBUTED, pending, 0);
		note_sign(SIGN_UNATTRIBUTED, &nobody, t->at.port, 0);
	} else {
		count_many(COUNTER_ELSEWHERE, pending, 0);
	}
	return 0;
}

/* State while the plaintext of one write call is read, line by line. */
struct tls_scan {
	const struct settings *s;
	struct tls_task *t;
	/* its client is proved; NULL: it is not, and failures become pending */
	const struct tls_session *ses;
	__u64 pos;
	__u64 end;
	struct tls_dialogue *dialogue; /* NULL: the users tried are not known */
};

#endif

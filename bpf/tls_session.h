/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLS sensor's memory: what tls_write.bpf.c sees a thread hand to its
 * library, and tls_send.bpf.c, next, on which socket.
 *
 * Never the wrong client. Whose a session is must be proved, in one of two
 * ways; the order in which a server's threads receive, write and send is no
 * proof (some answer many clients before they send anything, or send for each
 * other). What is not proved, nobody is charged with.
 *
 * By the ServerHello: its 32 random bytes, made anew for each session, are in
 * the clear on the wire, where the wire sensor (hello.h) sees to whom they go,
 * and the library keeps them in the session. So the client of an object in
 * memory is who got the ServerHello with the random that is in there: no matter
 * how its bytes come to the socket. The place in the object differs by library
 * and version (OpenSSL 3.0 has it at 320, 3.5 at 360, GnuTLS at 112). It is
 * found once for each library: when a thread sends on a socket after a write,
 * the random that left on this very socket is looked for in the object written
 * to. Not just any random that was sent: there are bytes in the object that are
 * the client's choice (its own random, a session id), and who has two
 * connections could put one's random there in the other. That of the
 * connection itself he cannot know before it is there.
 *
 * By the socket: the write call itself sends on it. So it is without a wire
 * sensor on the way (loopback), or with a library that keeps the random
 * elsewhere.
 */
#ifndef SMTPXDP_TLS_SESSION_H
#define SMTPXDP_TLS_SESSION_H

#include <stdbool.h>

#include "kernel.h"
#include "maps.h"
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

static __always_inline struct tls_task *task_get(__u64 flags)
{
	return bpf_task_storage_get(&tls_tasks, bpf_get_current_task_btf(), 0,
				    flags);
}

static __always_inline struct tls_key key_of(__u64 object)
{
	struct tls_key key = {
		.object = object,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.started = process_started(),
	};

	return key;
}

static __always_inline struct tls_session *session_get(const struct tls_key *k)
{
	struct tls_session *s = bpf_map_lookup_elem(&tls_sessions, k);

	if (s)
		return s;
	bpf_map_update_elem(&tls_sessions, k, &session_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tls_sessions, k);
}

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

/*
 * Is there a ServerHello with the random that is in this object? Only for
 * servers of the network namespace that the sensor looks at.
 */
static __always_inline struct tls_session *prove(const struct tls_task *t)
{
	struct tls_place *place = bpf_map_lookup_elem(&tls_places, &t->library);
	struct tls_session *ses;
	struct tls_hello *hello;
	struct tls_random r;

	if (!place || !random_at(t->key.object, place->offset, &r))
		return NULL;
	hello = bpf_map_lookup_elem(&tls_hellos, &r);
	if (!hello || !in_our_netns())
		return NULL;
	ses = session_get(&t->key);
	if (!ses)
		return NULL;
	ses->client = hello->client;
	ses->port = hello->port;
	ses->place = place->offset;
	ses->random = r;
	ses->peer = TLS_PEER_HELLO;
	return ses;
}

/* Somebody wants to know what the client says. */
static __always_inline bool wants_session(const struct settings *s)
{
	return s->users & USERS_TLS || s->unanswered;
}

/* Nobody is charged: rather that than the wrong one. */
static __always_inline void drop_pending(struct tls_task *t)
{
	if (t->pending)
		count_many(COUNTER_UNATTRIBUTED, t->pending, 0);
	t->pending = 0;
}

struct tls_scan {
	const struct settings *s;
	struct tls_task *t;
	bool known; /* t->at.peer is the client; else failures are pending */
	__u64 pos;
	__u64 end;
	struct reply *reply;
	struct tls_dialogue *dialogue; /* or NULL: nobody knows who is tried */
};

#endif

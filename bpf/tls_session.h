/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The TLS sensor's memory: what tls_write.bpf.c sees a thread hand to its
 * library, and tls_send.bpf.c, next, on which socket.
 */
#ifndef SMTPXDP_TLS_SESSION_H
#define SMTPXDP_TLS_SESSION_H

#include <stdbool.h>

#include "kernel.h"
#include "maps.h"
#include "tls.h"

#define FEEDS_ENOUGH 2

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tls_key);
	__type(value, struct tls_session);
} tls_sessions MAP;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_task);
} tls_tasks MAP;

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
	bool known; /* client is the peer; else its failures are pending */
	struct addr client;
	__u16 port;
	__u64 pos;
	__u64 end;
	struct reply reply;
};

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor at the end of a mail server's connection. Most servers free
 * the library's session then, which tls_free() sees; not one that is killed, or
 * that keeps its sessions. The socket's stream knows the session (link_stream()
 * in tls_session.h), and the session the stream, so that an object which the
 * library has reused is not taken for the one before.
 *
 * The server's socket is closed then: the server writes no more.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>

#include "accepted.h"
#include "tls_end.h"

#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sighting);
} tls_endings MAP;

static __always_inline bool same_stream(const struct stream_key *a,
					const struct stream_key *b)
{
	return a->server.q[0] == b->server.q[0] &&
	       a->server.q[1] == b->server.q[1] &&
	       a->client.q[0] == b->client.q[0] &&
	       a->client.q[1] == b->client.q[1] &&
	       a->server_port == b->server_port &&
	       a->client_port == b->client_port;
}

/* Counts the login that is unanswered on a connection that is gone. */
static __always_inline void end_stream(const struct settings *s,
				       const struct stream_key *key,
				       const struct stream *st)
{
	const struct tls_session *ses;
	struct tls_dialogue *w;
	struct tls_key session;
	struct sighting *at;
	__u32 zero = 0;

	if (!st->hello.session.object)
		return;
	session = st->hello.session;
	ses = bpf_map_lookup_elem(&tls_sessions, &session);
	w = bpf_map_lookup_elem(&tls_dialogues, &session);
	at = bpf_map_lookup_elem(&tls_endings, &zero);
	if (ses && w && at && is_proved(ses) &&
	    same_stream(&ses->stream, key) && may_be_unanswered(w))
		judge_session(s, ses, w, at);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tls_destroyed, const struct sock *sk)
{
	const struct settings *s = settings_active();
	struct stream_key key = {};
	const struct tcp_sock *tp;
	const struct stream *st;

	if (!s || !s->unanswered || !is_tcp(sk))
		return 0;
	tp = tcp_of(sk);
	if (!tp || !is_mail(s, tp, mark_of(sk)))
		return 0;
	key_of_socket(tp, &key);
	as_on_wire(sk, &key);
	st = bpf_map_lookup_elem(&streams, &key);
	if (!st || !st->encrypted)
		return 0;
	end_stream(s, &key, st);
	forget_begun(tp);
	return 0;
}

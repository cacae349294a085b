// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor, where sockets send: whose the session is.
 *
 * Never the wrong client. A send tells whose the session is only if it comes
 * from the write call itself, or (libraries that write through memory) is the
 * first thing that the thread does with any TCP socket after it, carries more
 * than the plaintext, and goes to the socket that the session's handshake came
 * from; the latter is believed once for each session. Whatever else comes
 * first, a receive, a failed send, a send to somebody else, another write,
 * means: nobody is charged.
 *
 * The order of sends alone would not do: a server that answers many clients
 * before it sends anything, or whose threads send for each other, sends to
 * somebody else right after a write.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "failure.h"
#include "now.h"
#include "tls_session.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

static long charge_step(__u32 i, void *ctx)
{
	struct tls_scan *x = ctx;
	struct sighting at = {
		.text_len = x->t->text_len,
		.code = x->t->code,
		.port = x->port,
		.sensor = SENSOR_TLS,
	};

	client_failure(x->s, &at, &x->client, &x->t->text);
	return 0;
}

/* The session's peer is the other end of this socket: charge what waits. */
static __always_inline void learn(const struct settings *s, struct tls_task *t,
				  const struct sock *sk)
{
	struct tls_scan x = { .s = s, .t = t };
	struct tls_session *ses = session_get(&t->key);
	struct addr server;

	if (!ses)
		return;
	ends_of(sk, &x.client, &server);
	x.port = sk->__sk_common.skc_num;
	ses->client = x.client;
	ses->port = x.port;
	ses->peer = TLS_PEER_CLIENT;
	bpf_loop(t->pending, charge_step, &x, 0);
	t->pending = 0;
}

/* A process sends from a mail port: user space looks what it has mapped. */
static __always_inline struct mail_proc *proc_get(void)
{
	__u32 pid = process_id();
	struct mail_proc *proc = bpf_map_lookup_elem(&mail_procs, &pid);
	struct mail_proc fresh = {};
	struct event *e;

	if (proc || !pid)
		return proc;
	bpf_get_current_comm(fresh.name, sizeof(fresh.name));
	if (bpf_map_update_elem(&mail_procs, &pid, &fresh, BPF_NOEXIST))
		return NULL;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (e) {
		__builtin_memset(e, 0, sizeof(*e));
		e->version = EVENT_VERSION;
		e->kind = EVENT_PROCESS;
		e->sensor = SENSOR_TLS;
		e->boot_ns = now_boot_ns();
		e->pid = pid;
		bpf_ringbuf_submit(e, 0);
	}
	return bpf_map_lookup_elem(&mail_procs, &pid);
}

/*
 * The wire sensor knows that this stream is TLS; that no write of a library
 * we know led to this send means that its replies go by us unseen.
 */
static __always_inline void note_blind(struct mail_proc *proc,
				       const struct sock *sk)
{
	struct stream_key key = {};
	struct stream *st;

	ends_of(sk, &key.client, &key.server);
	key.server_port = bpf_htons(sk->__sk_common.skc_num);
	key.client_port = sk->__sk_common.skc_dport;
	st = bpf_map_lookup_elem(&streams, &key);
	if (st && st->encrypted) {
		proc->port = sk->__sk_common.skc_num;
		__sync_fetch_and_add(&proc->blind, 1);
	}
}

/*
 * A write call was followed by a send to no client: if within the call, the
 * session is of somebody else (mail that is relayed over TLS, a web server).
 */
static __always_inline void sent_elsewhere(struct tls_task *t)
{
	struct tls_session *ses;

	drop_pending(t);
	if (!t->in_call) {
		t->key.object = 0;
		return;
	}
	ses = session_get(&t->key);
	if (ses)
		ses->peer = TLS_PEER_OTHER;
}

static __always_inline bool is_from(const struct tls_task *t, struct sock *sk)
{
	struct tls_session *ses = bpf_map_lookup_elem(&tls_sessions, &t->key);

	return ses && ses->peer == TLS_PEER_UNKNOWN &&
	       ses->feeds == FEEDS_ENOUGH &&
	       ses->source == bpf_get_socket_cookie(sk);
}

static __always_inline int sent(struct sock *sk, int ret)
{
	const struct settings *s = settings_active();
	struct tls_task *t = task_get(0);
	struct mail_proc *proc;

	if (!s || !is_tcp(sk))
		return 0;
	if (t)
		t->source = t->fed = 0;
	if (!is_mail(s, sk)) {
		if (t && t->key.object)
			sent_elsewhere(t);
		return 0;
	}
	proc = proc_get();
	if (proc && !proc->writes)
		note_blind(proc, sk);
	if (!t || !t->key.object)
		return 0;
	if (t->in_call) {
		if (ret > 0)
			learn(s, t, sk);
		return 0;
	}
	if (ret > 0 && t->sent && (__u32)ret > t->sent && is_from(t, sk))
		learn(s, t, sk);
	drop_pending(t);
	t->key.object = 0;
	return 0;
}

/* Of other sockets than a mail port's only where it may be mixed up. */
static __always_inline int received(struct sock *sk, int ret)
{
	const struct settings *s = settings_active();
	struct tls_task *t;
	__u64 source;

	if (!s || !is_tcp(sk))
		return 0;
	t = task_get(is_mail(s, sk) ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (!t || t->in_call)
		return 0;
	source = bpf_get_socket_cookie(sk);
	if (ret <= 0 && source != t->source)
		source = 0; /* who reads until nothing is left: no harm done */
	t->source = source;
	t->fed = 0;
	drop_pending(t);
	t->key.object = 0;
	return 0;
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(tls_sent, struct sock *sk, int ret, int flags)
{
	return sent(sk, ret);
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(tls_received, struct sock *sk, int ret, int flags)
{
	return received(sk, ret);
}

/* Before Linux 6.3, which brought these tracepoints. */
struct msghdr;

struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));

SEC("?fexit/inet_sendmsg")
int BPF_PROG(tls_sent_v4, struct socket *sock, struct msghdr *msg, __u64 size,
	     int ret)
{
	return sent(sock->sk, ret);
}

SEC("?fexit/inet6_sendmsg")
int BPF_PROG(tls_sent_v6, struct socket *sock, struct msghdr *msg, __u64 size,
	     int ret)
{
	return sent(sock->sk, ret);
}

SEC("?fexit/inet_recvmsg")
int BPF_PROG(tls_received_v4, struct socket *sock, struct msghdr *msg,
	     __u64 size, int flags, int ret)
{
	return received(sock->sk, ret);
}

SEC("?fexit/inet6_recvmsg")
int BPF_PROG(tls_received_v6, struct socket *sock, struct msghdr *msg,
	     __u64 size, int flags, int ret)
{
	return received(sock->sk, ret);
}

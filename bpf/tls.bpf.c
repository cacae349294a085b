// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor: reads replies where the mail server hands them to its TLS
 * library, and learns from the socket which the thread then sends on who the
 * client is. See "Never the wrong client" below.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "failure.h"
#include "kernel.h"
#include "maps.h"
#include "now.h"
#include "reply.h"
#include "tls.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

/* A reply is shorter; a longer write is read if it begins like one. */
#define LOOK_BYTES 4096
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

/* ---- into the library */

static __always_inline int enter(__u64 object, __u64 buf, __u64 num,
				 __u64 written)
{
	struct tls_task *t;

	t = task_get(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		return 0;
	drop_pending(t); /* its send never came */
	t->key = key_of(object);
	t->buf = buf;
	t->num = num;
	t->written = written;
	t->sent = 0;
	t->source = t->fed = 0;
	t->in_call = 1;
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(tls_enter, __u64 object, __u64 buf, __u64 num)
{
	return enter(object, buf, num, 0);
}

/* SSL_write_ex() says in its fourth argument how much it has taken. */
SEC("uprobe")
int BPF_KPROBE(tls_enter_ex, __u64 object, __u64 buf, __u64 num, __u64 written)
{
	return enter(object, buf, num, written);
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

static __always_inline void
see(struct tls_scan *x, const struct reply_result *res, enum reply_verdict v)
{
	struct sighting at = {
		.text_len = res->len,
		.code = res->code,
		.port = x->port,
		.sensor = SENSOR_TLS,
	};

	if (v == REPLY_CREDIT) {
		if (x->known)
			client_success(x->s, &x->client);
	} else if (x->known) {
		client_failure(x->s, &at, &x->client, &x->reply.first);
	} else {
		x->t->pending++;
		x->t->code = res->code;
		x->t->text_len = res->len;
		x->t->text = x->reply.first;
	}
}

static long tls_step(__u32 i, void *ctx)
{
	struct tls_scan *x = ctx;
	struct reply *r = &x->reply;
	struct reply_result res = {};
	__u32 n = reply_room(r), pos = reply_at(r);
	enum reply_verdict v;

	if (x->pos >= x->end)
		return 1;
	if (n > x->end - x->pos)
		n = x->end - x->pos;
	if (pos > LINE_SIZE || n < 1 || n > LINE_SIZE)
		return 1;
	if (bpf_probe_read_user(r->line + pos, n, (void *)x->pos)) {
		count(COUNTER_LOAD_ERROR, 0);
		return 1;
	}
	v = reply_feed(r, n, x->s, &res);
	x->pos += res.used;
	if (v == REPLY_ENCRYPTED) {
		r->skip = 1; /* no TLS in TLS: some other binary protocol */
		return 1;
	}
	if (v == REPLY_IGNORED_BY_TEXT)
		count(COUNTER_TEXT_IGNORED, 0);
	if (v == REPLY_COUNT || v == REPLY_CREDIT)
		see(x, &res, v);
	return 0;
}

/* Large writes are no replies: page loads, mail bodies, file transfers. */
static __always_inline bool worth_reading(const struct tls_task *t,
					  const struct tls_session *ses)
{
	__u8 first = 0;

	if (ses &&
	    (ses->peer == TLS_PEER_OTHER || reply_unfinished(&ses->reply)))
		return ses->peer != TLS_PEER_OTHER;
	if (t->sent <= LOOK_BYTES)
		return true;
	bpf_probe_read_user(&first, 1, (void *)t->buf);
	return first >= '2' && first <= '5';
}

/* The plaintext that the library has taken: not before it has. */
static __always_inline int taken(struct tls_task *t, __u64 bytes)
{
	struct tls_scan x = { .t = t };
	struct tls_session *ses;
	struct mail_proc *proc;
	__u32 pid = process_id();

	t->sent = bytes;
	proc = bpf_map_lookup_elem(&mail_procs, &pid);
	if (proc)
		__sync_fetch_and_add(&proc->writes, 1);
	ses = bpf_map_lookup_elem(&tls_sessions, &t->key);
	x.s = settings_active();
	if (!x.s || !worth_reading(t, ses))
		return 0;
	if (ses) {
		x.known = ses->peer == TLS_PEER_CLIENT;
		x.client = ses->client;
		x.port = ses->port;
		x.reply = ses->reply;
	}
	x.pos = t->buf;
	x.end = t->buf + (bytes < SCAN_BYTES ? bytes : SCAN_BYTES);
	bpf_loop(SCAN_STEPS, tls_step, &x, 0);
	if (!reply_unfinished(&x.reply) &&
	    !(ses && reply_unfinished(&ses->reply)))
		return 0;
	if (!ses)
		ses = session_get(&t->key);
	if (ses)
		ses->reply = x.reply;
	return 0;
}

static __always_inline struct tls_task *leave(void)
{
	struct tls_task *t = task_get(0);

	if (!t || !t->in_call)
		return NULL;
	t->in_call = 0;
	return t;
}

/* SSL_write(), gnutls_record_send(): bytes taken, or an error to retry on. */
SEC("uretprobe")
int BPF_KRETPROBE(tls_leave, long ret)
{
	struct tls_task *t = leave();
	__s32 n = ret;

	if (t && n > 0)
		taken(t, (__u32)n < t->num ? (__u32)n : t->num);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(tls_leave_ex, long ret)
{
	struct tls_task *t = leave();
	__u64 n = 0;

	if (t && (__s32)ret == 1 &&
	    !bpf_probe_read_user(&n, sizeof(n), (void *)t->written) && n)
		taken(t, n < t->num ? n : t->num);
	return 0;
}

/*
 * The session ends, begins anew, or gets another socket. The object's address
 * may be the next session's. (OpenSSL itself begins a handshake by SSL_clear():
 * then what it came from remains.)
 */
SEC("uprobe")
int BPF_KPROBE(tls_free, __u64 object)
{
	struct tls_key key = key_of(object);

	struct tls_task *t = task_get(0);
	struct tls_session *ses;

	if (!t || t->fed != object) {
		bpf_map_delete_elem(&tls_sessions, &key);
		return 0;
	}
	ses = bpf_map_lookup_elem(&tls_sessions, &key);
	if (ses) {
		ses->peer = TLS_PEER_UNKNOWN;
		__builtin_memset(&ses->reply, 0, sizeof(ses->reply));
	}
	return 0;
}

/*
 * The handshake goes on, with what this thread has just received. Twice in a
 * row, as every handshake of a server has it: a single time may be chance.
 */
SEC("uprobe")
int BPF_KPROBE(tls_feed, __u64 object)
{
	struct tls_key key = key_of(object);
	struct tls_task *t = task_get(0);
	struct tls_session *ses;

	if (!t || !t->source)
		return 0;
	ses = session_get(&key);
	if (ses && ses->source != t->source) {
		ses->source = t->source;
		ses->feeds = 1;
	} else if (ses && ses->feeds < FEEDS_ENOUGH) {
		ses->feeds++;
	}
	t->source = 0; /* nobody else's */
	t->fed = object;
	return 0;
}

/* ---- out of the socket
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

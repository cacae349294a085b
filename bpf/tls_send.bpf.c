// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TLS sensor's socket side: follows each send after a TLS write, to find
 * out which client the session belongs to. tls_session.h tells what counts as
 * proof.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include "accepted.h"
#include "failure.h"
#include "hello.h"
#include "mail_proc.h"
#include "proxied.h"
#include "now.h"
#include "tls_session.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

/*
 * The search for the random looks every 4 bytes at the first 512 of a session's
 * object. Known libraries have it in the first 400, and no object is smaller,
 * so no neighbour is searched.
 */
#define SEARCH_STEPS 128
#define SEARCHES_MAX 4

struct charging {
	const struct settings *s;
	struct tls_task *t;
};

static long charge_step(__u32 i, void *ctx)
{
	struct charging *x = ctx;

	client_failure(x->s, &x->t->at);
	return 0;
}

/* Charges the pending failures to the session's client, known by now. */
static __always_inline void charge(const struct settings *s, struct tls_task *t,
				   const struct tls_session *ses)
{
	struct charging x = { .s = s, .t = t };

	t->at.port = ses->port;
	if (session_client(s, ses, &t->at))
		bpf_loop(t->pending, charge_step, &x, 0);
	t->pending = 0;
}

/* The random of the ServerHello that left on this stream. False: not seen. */
static __always_inline bool random_of(const struct stream_key *key,
				      struct tls_random *r)
{
	struct stream *st = bpf_map_lookup_elem(&streams, key);

	if (!st || !st->encrypted || st->hello.state != HELLO_READ)
		return false;
	*r = hello_random(&st->hello);
	return true;
}

struct tls_search {
	__u64 object;
	struct tls_random random;
	__u32 place; /* offset where it was found, or 0 */
};

/* Looks at one offset. Returns 1 to end: found, or out of readable memory. */
static __always_inline int search_at(struct tls_search *x, __u32 i)
{
	struct tls_random r;

	i = (i + 1) * 4; /* skip the first word: a pointer or a type */
	if (!random_at(x->object, i, &r))
		return 1;
	if (!same_random(&r, &x->random))
		return 0;
	x->place = i;
	return 1;
}

static long search_step(__u32 i, void *ctx)
{
	return bound_index(search_at(ctx, i), LOOP_VERDICTS);
}

/*
 * Searches the session's object for the random that left on this stream. If
 * found, stores its offset for the library and marks the session.
 */
static __always_inline bool find_place(const struct stream_key *key,
				       const struct tls_task *t,
				       struct tls_session *ses)
{
	struct tls_search x = { .object = t->key.object };
	struct tls_place place;

	if (ses->searches >= SEARCHES_MAX || !random_of(key, &x.random))
		return false;
	ses->searches++;
	bpf_loop(SEARCH_STEPS, search_step, &x, 0);
	if (!x.place)
		return false;
	place.offset = x.place;
	bpf_map_update_elem(&tls_places, &t->library, &place, BPF_NOEXIST);
	ses->place = x.place;
	ses->random = x.random;
	return true;
}

struct relayed_search {
	__u64 object;
	__u64 sent; /* when the random left that was found last */
	__u32 place; /* its offset, or 0 */
};

/* Looks at one offset. Returns 1 to end: out of readable memory. */
static __always_inline int search_relayed_at(struct relayed_search *x, __u32 i)
{
	const struct tls_hello *hello;
	struct tls_random r;

	i = (i + 1) * 4; /* as search_at() */
	if (!random_at(x->object, i, &r))
		return 1;
	hello = bpf_map_lookup_elem(&tls_hellos, &r);
	if (!hello || (x->place && hello->sent < x->sent))
		return 0;
	x->sent = hello->sent;
	x->place = i;
	return 0;
}

static long search_relayed_step(__u32 i, void *ctx)
{
	return bound_index(search_relayed_at(ctx, i), LOOP_VERDICTS);
}

/*
 * Proves the client of a session on a connection that the wire sensor does not
 * see, by the ServerHello that left on another one: see tls_session.h.
 */
static __always_inline bool prove_relayed(const struct tls_task *t,
					  const struct stream_key *key,
					  struct tls_session *ses)
{
	struct relayed_search x = { .object = t->key.object };

	if (ses->searches >= SEARCHES_MAX || bpf_map_lookup_elem(&streams, key))
		return false;
	ses->searches++;
	bpf_loop(SEARCH_STEPS, search_relayed_step, &x, 0);
	return x.place && prove_at(t, x.place);
}

/*
 * Is the object's random, at the library's known offset, another one than left
 * on this stream? Then the session is not this socket's.
 */
static __always_inline bool belies(const struct stream_key *key,
				   const struct tls_task *t)
{
	struct tls_place *place = bpf_map_lookup_elem(&tls_places, &t->library);
	struct tls_random mine, its;

	return place && random_at(t->key.object, place->offset, &mine) &&
	       random_of(key, &its) && !same_random(&mine, &its);
}

/* Notes that the TLS sensor knows the session of this stream. */
static __always_inline void note_seen(const struct stream_key *key)
{
	struct tls_hello *hello;
	struct tls_random r;

	if (!random_of(key, &r))
		return;
	hello = bpf_map_lookup_elem(&tls_hellos, &r);
	if (hello)
		hello->seen = 1;
}

static __always_inline void set_client(struct tls_session *ses,
				       const struct tls_key *session,
				       const struct stream_key *key,
				       enum tls_peer peer)
{
	ses->client = key->client;
	ses->port = bpf_ntohs(key->server_port);
	ses->peer = peer;
	link_stream(ses, session, key);
	note_seen(key);
}

/*
 * A write call sends on this socket: takes its client for the session's, unless
 * a random proves another one.
 */
static __always_inline void learn(const struct tls_task *t,
				  const struct stream_key *key)
{
	struct tls_session *ses = session_get(&t->key);

	if (!ses || ses->peer == TLS_PEER_HELLO || prove(t) || belies(key, t) ||
	    prove_relayed(t, key, ses))
		return;
	set_client(ses, &t->key, key,
		   find_place(key, t, ses) ? TLS_PEER_HELLO : TLS_PEER_SOCKET);
}

/*
 * The thread sends on this socket after a write: if the object written to has
 * this stream's random, its client is the session's; so it is of a stream that
 * is relayed.
 */
static __always_inline void compare(const struct settings *s,
				    struct tls_task *t,
				    const struct stream_key *key)
{
	struct tls_session *ses = session_get(&t->key);

	if (!ses || ses->peer != TLS_PEER_UNKNOWN)
		return;
	if (find_place(key, t, ses))
		set_client(ses, &t->key, key, TLS_PEER_HELLO);
	else if (!prove_relayed(t, key, ses))
		return;
	charge(s, t, ses);
}

/* Does the TLS sensor know the session of this stream? */
static __always_inline bool is_seen(const struct stream_key *key)
{
	const struct tls_hello *hello;
	struct tls_random r;

	if (!random_of(key, &r))
		return false;
	hello = bpf_map_lookup_elem(&tls_hellos, &r);
	return hello && hello->seen;
}

/*
 * Counts a send on a stream that the wire sensor knows to be TLS, by a process
 * none of whose writes a probe has seen: its replies cannot be read. Unless a
 * probe sees them where another process writes them, for which this one is a
 * proxy in user space.
 */
static __always_inline void note_blind(struct mail_proc *proc,
				       const struct stream_key *key)
{
	struct stream *st = bpf_map_lookup_elem(&streams, key);

	if (!st || !st->encrypted)
		return;
	if (is_seen(key)) {
		__sync_fetch_and_add(&proc->writes, 1);
		return;
	}
	proc->port = bpf_ntohs(key->server_port);
	__sync_fetch_and_add(&proc->blind, 1);
}

/* The stack pointer's name on x86, arm64 and RISC-V; others do not have it. */
struct pt_regs___kernel {
	__u64 sp;
} __attribute__((preserve_access_index));

/*
 * Does the word at the call's stack pointer still look like a return address:
 * the caller's, or the uretprobe trampoline's, which starts a page? x86 only;
 * other architectures keep it in a register.
 */
static __always_inline bool returns_to_caller(const struct tls_task *t)
{
#ifdef __TARGET_ARCH_x86
	__u64 back;

	if (bpf_probe_read_user(&back, sizeof(back), (void *)t->stack))
		return false;
	return back == t->caller || (back && !(back & 0xfff));
#else
	return true;
#endif
}

/* Is the write call's frame still on the stack? */
static __always_inline bool frame_stands(const struct tls_task *t)
{
	struct pt_regs___kernel *regs = NULL;

	if (!bpf_core_field_exists(regs->sp))
		return true;
	regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(regs, sp) < t->stack && returns_to_caller(t);
}

/*
 * Is the thread still within the write call? A call left by longjmp() or an
 * exception has no return to probe; its frame is gone.
 */
static __always_inline bool within_call(struct tls_task *t)
{
	if (t->in_call && !frame_stands(t))
		t->in_call = 0;
	return t->in_call;
}

/*
 * The thread sends on a socket that is not the mail server's. Within a write
 * call, the session is not one of the mail server's (a relay's client side, a
 * web server).
 */
static __always_inline void sent_elsewhere(struct tls_task *t)
{
	struct tls_session *ses;

	drop_pending(t);
	if (!within_call(t)) {
		t->key.object = 0;
		return;
	}
	ses = session_get(&t->key);
	if (ses)
		ses->peer = TLS_PEER_OTHER;
}

/*
 * Handles a send of `ret` bytes, or -errno. key: the mail server's stream;
 * NULL: some other TCP socket.
 */
static __always_inline int sent(const struct settings *s,
				const struct stream_key *key, int ret)
{
	struct tls_task *t = task_get(0);
	struct mail_proc *proc;

	if (!key) {
		if (t && t->key.object)
			sent_elsewhere(t);
		return 0;
	}
	proc = proc_get();
	if (proc && !proc->writes)
		note_blind(proc, key);
	if (!t || !t->key.object)
		return 0;
	if (within_call(t)) {
		if (ret > 0)
			learn(t, key);
		return 0;
	}
	if (ret > 0)
		compare(s, t, key);
	drop_pending(t);
	t->key.object = 0;
	return 0;
}

/* Handles a send on a TCP socket, of the mail server or not. */
static __always_inline int sent_on(const struct sock *sk, int ret)
{
	const struct settings *s = settings_active();
	struct stream_key key = {};
	const struct tcp_sock *tp;

	if (!s || !is_tcp(sk))
		return 0;
	tp = tcp_of(sk);
	if (!tp || !is_mail(s, tp, mark_of(sk)) || !is_watched())
		return sent(s, NULL, ret);
	key_of_socket(tp, &key);
	as_on_wire(sk, &key);
	return sent(s, &key, ret);
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(tls_sent, struct sock *sk, int ret, int flags)
{
	return sent_on(sk, ret);
}

/* For Linux before 6.3, which has no tracepoint sock_send_length. */
struct msghdr;

struct socket {
	struct sock *sk;
} __attribute__((preserve_access_index));

SEC("?fexit/inet_sendmsg")
int BPF_PROG(tls_sent_v4, struct socket *sock, struct msghdr *msg, __u64 size,
	     int ret)
{
	return sent_on(sock->sk, ret);
}

SEC("?fexit/inet6_sendmsg")
int BPF_PROG(tls_sent_v6, struct socket *sock, struct msghdr *msg, __u64 size,
	     int ret)
{
	return sent_on(sock->sk, ret);
}

/*
 * For arm64 before Linux 6.4, which has no fexit there. A kprobe may read
 * kernel memory only by helpers, and runs before the send: it is taken to
 * succeed. If it fails, the client is right all the same, for the send was on
 * the session's own socket.
 */
static __always_inline bool copy_key(const struct sock *sk,
				     struct stream_key *key)
{
	const struct sock_common *c = &sk->__sk_common;
	__u16 family = BPF_CORE_READ(c, skc_family);

	if (family == AF_INET) {
		of_v4(&key->client, BPF_CORE_READ(c, skc_daddr));
		of_v4(&key->server, BPF_CORE_READ(c, skc_rcv_saddr));
	} else if (family == AF_INET6) {
		bpf_core_read(&key->client, sizeof(key->client),
			      &c->skc_v6_daddr);
		bpf_core_read(&key->server, sizeof(key->server),
			      &c->skc_v6_rcv_saddr);
	} else {
		return false;
	}
	key->server_port =
		BPF_CORE_READ((const struct inet_sock *)sk, inet_sport);
	key->client_port = BPF_CORE_READ(c, skc_dport);
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/*
 * is_mail() for a kprobe, which cannot read marks: only ports that are not free
 * are believed.
 */
static __always_inline bool copy_is_mail(const struct settings *s,
					 const struct sock *sk, __u16 port)
{
	const struct net___kernel *net =
		BPF_CORE_READ(sk, __sk_common.skc_net.net);

	return port_is_mail(s, port) &&
	       !(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) &
		 SOCK_BINDPORT_LOCK) &&
	       (!only_netns || BPF_CORE_READ(net, ns.inum) == only_netns) &&
	       !BPF_CORE_READ(net, user_ns, level) &&
	       port < BPF_CORE_READ(net, ipv4.sysctl_ip_prot_sock);
}

/* Handles a send that a kprobe sees, as sent_on() does. */
static __always_inline int sending(struct socket *sock)
{
	const struct settings *s = settings_active();
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct stream_key key = {};

	if (!s || !copy_key(sk, &key))
		return 0;
	if (!copy_is_mail(s, sk, bpf_ntohs(key.server_port)) || !is_watched())
		return sent(s, NULL, 1);
	as_on_wire(sk, &key);
	return sent(s, &key, 1);
}

SEC("?kprobe/inet_sendmsg")
int BPF_KPROBE(tls_sending_v4, struct socket *sock)
{
	return sending(sock);
}

SEC("?kprobe/inet6_sendmsg")
int BPF_KPROBE(tls_sending_v6, struct socket *sock)
{
	return sending(sock);
}

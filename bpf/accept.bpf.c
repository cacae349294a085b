// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Marks the sockets that mail servers accept, where nothing else tells later
 * that they were (accepted.h), looks at who comes (arrive.h), and tells which
 * processes listen, so that their TLS library is known before. A socket that
 * is born in state SYN_RECV of a listener is accepted; one of a connection that
 * both ends begin (simultaneous open) comes to that state from SYN_SENT.
 */
#include <linux/ptrace.h>
#include <stdbool.h>

#include "accepted.h"
#include "arrive.h"
#include "mail_proc.h"

#include <bpf/bpf_tracing.h>

/* Users of services: below 1000, or systemd's dynamic ones (systemd.exec(5)). */
#define USER_MIN 1000
#define DYNAMIC_MIN 61184
#define DYNAMIC_MAX 65519

static __always_inline bool is_of_service(__u32 uid)
{
	return uid < USER_MIN || (uid >= DYNAMIC_MIN && uid <= DYNAMIC_MAX);
}

/*
 * Who listens, by the user that opened the listener. Any user may listen on a
 * free port here, and in a namespace of his own on all. Who does in another one
 * that root has made is there by root's will: a container's user.
 */
static __always_inline enum listener listener_of(const struct sock *sk)
{
	return is_of_service(sk->sk_uid.val) ||
			       (in_roots_netns(sk) && is_elsewhere(sk)) ?
		       LISTENER_SERVER :
		       LISTENER_USER;
}

/* A socket is born of a listener; it has the listener's port and user. */
static __always_inline void born(const struct sock *sk, __u16 port)
{
	struct accepted_sock fresh = { .listener = listener_of(sk) };

	if (is_free_port(sk, port) || is_elsewhere(sk))
		bpf_sk_storage_get(&accepted_socks, (void *)sk, &fresh,
				   BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The current process listens on a mail port: the daemon looks at it. */
static __always_inline void listens(const struct sock *sk)
{
	if (in_roots_netns(sk) && listener_of(sk) == LISTENER_SERVER &&
	    is_watched())
		proc_get();
}

/* A client has connected: notes it for the wire sensor. */
static __always_inline void connected(const struct tcp_sock *tp, __u16 port)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct accepted_at at = { .port = port };
	struct accepted_key key = {};
	struct addr server;

	ends_of(sk, &key.client, &server);
	key.client_port = sk->__sk_common.skc_dport;
	key.first_seq = tp->write_seq;
	bpf_map_update_elem(&accepted_elsewhere, &key, &at, BPF_ANY);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(accepted, const struct sock *sk, int before, int now)
{
	const struct settings *s = settings_active();
	const struct accepted_sock *mark;
	const struct tcp_sock *tp;
	__u16 port;

	if (now == BPF_TCP_SYN_SENT) /* disconnected before, it begins anew */
		bpf_sk_storage_delete(&accepted_socks, (void *)sk);
	if (now != BPF_TCP_LISTEN &&
	    (now != BPF_TCP_SYN_RECV || before != BPF_TCP_LISTEN) &&
	    (now != BPF_TCP_ESTABLISHED || before != BPF_TCP_SYN_RECV))
		return 0;
	tp = s && is_tcp(sk) ? tcp_of(sk) : NULL;
	if (!tp)
		return 0;
	port = bpf_ntohs(port_of(tp));
	if (!port_is_mail(s, port))
		return 0;
	if (now == BPF_TCP_LISTEN) {
		listens(sk);
		return 0;
	}
	if (now == BPF_TCP_SYN_RECV) {
		born(sk, port);
		return 0;
	}
	arrived(s, tp, port);
	mark = mark_of(sk);
	if (mark && mark->listener == LISTENER_SERVER && is_elsewhere(sk))
		connected(tp, port);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells whether a mail server accepted the connection that a packet leaves on,
 * or that a process sends on. Replies on other connections are not read: any
 * process may bind a port from 1024 on, connect from it to a stranger, and
 * write "535" there.
 *
 * The socket itself tells, for no flood evicts it and no restart of the sensor
 * forgets it:
 *
 * A process that chose the port by bind() has not accepted (is_bound()). So
 * whoever sends from a port that takes a right to listen on was accepted there,
 * for the kernel chooses no such port by itself: connections older than the
 * sensor are proved, too.
 *
 * Any user may listen on the other ports, and the kernel may choose them for
 * who connects out. There, accept.bpf.c marks a socket at its birth from a
 * listener. Without a mark, it is not believed.
 *
 * The socket of a forwarded packet is not known any more when the packet leaves.
 * accept.bpf.c notes each connection that a server in another network namespace
 * accepts, with its first sequence number; the packet that begins there begins
 * the stream, and from then on only what follows without a gap is read. What
 * evicts the note, by a flood, makes that one connection unbelieved. Servers
 * that the key `servers` names, like virtual machines, need no proof.
 */
#ifndef SMTPXDP_ACCEPTED_H
#define SMTPXDP_ACCEPTED_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "accepted_maps.h"
#include "kernel.h"
#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct accepted_sock);
} accepted_socks MAP;

static __always_inline const struct net___kernel *
netns_of(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net;
}

/* Is it in another network namespace than the daemon's? */
static __always_inline bool is_elsewhere(const struct sock *sk)
{
	return netns_of(sk)->ns.inum != our_netns;
}

/*
 * Is its network namespace one that root has made, not a user, who may do there
 * what he likes?
 */
static __always_inline bool in_roots_netns(const struct sock *sk)
{
	return !netns_of(sk)->user_ns->level;
}

/* Is this a port of its namespace that any user may listen on? */
static __always_inline bool is_free_port(const struct sock *sk, __u16 port)
{
	return port >= netns_of(sk)->ipv4.sysctl_ip_prot_sock;
}

/* Who listened where this socket was accepted; mark: its mark, or NULL. */
static __always_inline enum listener
accepted_by(const struct tcp_sock *tp, const struct accepted_sock *mark)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	if (is_bound(tp))
		return LISTENER_NONE;
	if (mark)
		return mark->listener;
	return in_roots_netns(sk) && !is_free_port(sk, bpf_ntohs(port_of(tp))) ?
		       LISTENER_SERVER :
		       LISTENER_NONE;
}

/* Is the address of a network of the key servers? Verified once. */
__noinline __weak int is_named(const struct settings *s, const struct addr *a)
{
	return s && a ? server_is_named(s, a) : 0;
}

/*
 * Is this TCP socket the mail server's end of a connection, in a network
 * namespace that is to be watched?
 */
static __always_inline bool is_mail(const struct settings *s,
				    const struct tcp_sock *tp,
				    const struct accepted_sock *mark)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct addr client, server;
	enum listener by;

	if (!port_is_mail(s, bpf_ntohs(port_of(tp))) ||
	    (only_netns && netns_of(sk)->ns.inum != only_netns))
		return false;
	by = accepted_by(tp, mark);
	if (by != LISTENER_USER)
		return by;
	ends_of(sk, &client, &server);
	return is_named(s, &server);
}

/*
 * Fills a lookup's tuple, as a packet from the client would have it; returns
 * its size.
 */
static __always_inline __u32 tuple_of(const struct stream_key *key,
				      struct bpf_sock_tuple *t)
{
	if (addr_is_v4(&key->client)) {
		t->ipv4.saddr = key->client.d[3];
		t->ipv4.daddr = key->server.d[3];
		t->ipv4.sport = key->client_port;
		t->ipv4.dport = key->server_port;
		return sizeof(t->ipv4);
	}
	__builtin_memcpy(t->ipv6.saddr, &key->client, sizeof(key->client));
	__builtin_memcpy(t->ipv6.daddr, &key->server, sizeof(key->server));
	t->ipv6.sport = key->client_port;
	t->ipv6.dport = key->server_port;
	return sizeof(t->ipv6);
}

/* The server's socket of a connection, which the caller releases, or NULL. */
static __always_inline struct bpf_sock *
server_socket(struct __sk_buff *skb, const struct stream_key *key)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = tuple_of(key, &tuple);

	return bpf_skc_lookup_tcp(skb, &tuple,
				  size == sizeof(tuple.ipv4) ?
					  sizeof(tuple.ipv4) :
					  sizeof(tuple.ipv6),
				  BPF_F_CURRENT_NETNS, 0);
}

/*
 * How far the server's socket has taken the client's bytes: its rcv_nxt. False:
 * the kernel has no such socket.
 */
static __noinline __attribute__((unused)) int
taken_to(struct __sk_buff *skb, const struct stream_key *key, __u32 *seq)
{
	struct bpf_sock *sk = server_socket(skb, key);
	const struct tcp_sock *tp;

	if (!sk)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		*seq = tp->rcv_nxt;
	bpf_sk_release(sk);
	return 1;
}

/* What accept.bpf.c noted a socket by, whose ends *key has. */
static __always_inline void begun_by(const struct sock *sk,
				     const struct stream_key *key,
				     struct accepted_key *begun)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;

	begun->client = key->client;
	begun->client_port = key->client_port;
	begun->first_seq = BPF_CORE_READ(tp, snd_una) -
			   (__u32)BPF_CORE_READ(tp, bytes_acked);
}

/*
 * NAT may have the wire sensor know a connection to a server in another network
 * namespace by other ends than the server's socket does: replaces *key by these.
 * Not inlined, to save stack.
 */
static __noinline __attribute__((unused)) int as_on_wire(const struct sock *sk,
							 struct stream_key *key)
{
	struct accepted_key begun = {};
	const struct stream_key *wire;

	if (BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == our_netns)
		return 0;
	begun_by(sk, key, &begun);
	wire = bpf_map_lookup_elem(&forwarded, &begun);
	if (wire)
		*key = *wire;
	return 0;
}

/*
 * Forgets what such a connection is known by, for its socket is gone: else a
 * flood of short ones would evict those that last. What the server wrote may be
 * on its way still. Not inlined, to save stack.
 */
static __noinline __attribute__((unused)) int
forget_begun(const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	struct accepted_key begun = {};
	struct stream_key key = {};

	if (!is_elsewhere(sk))
		return 0;
	key_of_socket(tp, &key);
	begun_by(sk, &key, &begun);
	bpf_map_delete_elem(&forwarded, &begun);
	if (tp->write_seq - begun.first_seq <= 1) /* nothing, or a FIN */
		bpf_map_delete_elem(&accepted_elsewhere, &begun);
	return 0;
}

/*
 * The TCP socket that sends a packet, or NULL: it is forwarded, replayed, or
 * sent raw.
 */
static __always_inline const struct tcp_sock *sender(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	const struct tcp_sock *tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;

	/* Before Linux 6.13, a raw socket is taken for one. */
	return tp && tp->inet_conn.icsk_inet.sk.sk_type == SOCK_STREAM ? tp :
									 NULL;
}

/*
 * Does a SYN-ACK come from another network namespace? By a macvlan it comes with
 * the socket that sends it there, else without one.
 */
static __always_inline bool is_forwarded(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	const struct tcp_request_sock *req =
		sk ? bpf_skc_to_tcp_request_sock(sk) : NULL;

	return !sk ||
	       (req && our_netns &&
		req->req.req.__req_common.skc_net.net->ns.inum != our_netns);
}

/* The mark of the socket that sends a packet, or NULL. */
static __always_inline const struct accepted_sock *
mark_of_sender(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? bpf_sk_storage_get(&accepted_socks, sk, 0, 0) : NULL;
}

/* The mark of a socket that a tracepoint or a traced function is told. */
static __always_inline const struct accepted_sock *
mark_of(const struct sock *sk)
{
	return bpf_sk_storage_get(&accepted_socks, (void *)sk, 0, 0);
}

#endif

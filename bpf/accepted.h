/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells whether a mail server accepted the connection that a packet leaves on.
 * Replies on other connections are not read: any process may bind a port from
 * 1024 on, connect from it to a stranger, and write "535" there.
 *
 * The socket itself tells, for no flood evicts it and no restart of the sensor
 * forgets it. A process that chose its port by bind() has not accepted
 * (is_bound()). An outgoing connection whose port the kernel chose has no such
 * mark, but its port is 1024 or higher, and nobody listens on that.
 *
 * A packet without a TCP socket is forwarded (a container, a virtual machine)
 * or replayed: its sender's socket is not known here, and its replies count.
 */
#ifndef SMTPXDP_ACCEPTED_H
#define SMTPXDP_ACCEPTED_H

#include <bpf/bpf_endian.h>

#include "kernel.h"
#include "maps.h"

#define FREE_PORTS 1024 /* the lowest port that any process may bind */

/*
 * Fills a lookup's tuple, as a packet from the client would have it; returns
 * its size.
 */
static __always_inline __u32 tuple_of(const struct stream_key *key,
				      __be16 client_port,
				      struct bpf_sock_tuple *t)
{
	if (addr_is_v4(&key->client)) {
		t->ipv4.saddr = key->client.d[3];
		t->ipv4.daddr = key->server.d[3];
		t->ipv4.sport = client_port;
		t->ipv4.dport = key->server_port;
		return sizeof(t->ipv4);
	}
	__builtin_memcpy(t->ipv6.saddr, &key->client, sizeof(key->client));
	__builtin_memcpy(t->ipv6.daddr, &key->server, sizeof(key->server));
	t->ipv6.sport = client_port;
	t->ipv6.dport = key->server_port;
	return sizeof(t->ipv6);
}

/*
 * The server's socket of a connection, which the caller releases, or NULL. With
 * client port 0, which no connection has, the lookup finds listeners only.
 */
static __always_inline struct bpf_sock *
server_socket(struct __sk_buff *skb, const struct stream_key *key,
	      __be16 client_port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = tuple_of(key, client_port, &tuple);

	return bpf_skc_lookup_tcp(skb, &tuple,
				  size == sizeof(tuple.ipv4) ?
					  sizeof(tuple.ipv4) :
					  sizeof(tuple.ipv6),
				  BPF_F_CURRENT_NETNS, 0);
}

/* Does a socket listen on the server's address? */
static __always_inline int somebody_listens(struct __sk_buff *skb,
					    const struct stream_key *key)
{
	struct bpf_sock *sk = server_socket(skb, key, 0);

	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return 1;
}

/* The TCP socket that sends a packet, or NULL. */
static __always_inline const struct tcp_sock *sender(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? bpf_skc_to_tcp_sock(sk) : NULL;
}

/* Is the packet's connection accepted, or is its socket not known here? */
static __noinline __attribute__((unused)) int
may_be_believed(struct __sk_buff *skb, const struct stream_key *key)
{
	const struct tcp_sock *tp = sender(skb);

	if (!tp)
		return 1;
	if (is_bound(tp))
		return 0;
	return bpf_ntohs(key->server_port) < FREE_PORTS ||
	       somebody_listens(skb, key);
}

#endif

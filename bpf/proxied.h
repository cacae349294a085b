/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is at the other end of a connection: the peer, or the client that a proxy
 * has named (map named, include/named.h). What a proxy does not name is charged
 * to the proxy, and client_failure() counts nothing of a proxy.
 */
#ifndef SMTPXDP_PROXIED_H
#define SMTPXDP_PROXIED_H

#include <linux/tcp.h>
#include <bpf/bpf_endian.h>

#include "failure.h"
#include "maps.h"
#include "now.h"
#include "sighting.h"

/* Static: too large for the BPF stack. */
static const struct named named_zero;

/*
 * Awaits a proxy's header on a connection that begins with this SYN-ACK: its
 * first byte is the one that the server acknowledges next. `fast`: the SYN
 * carried bytes (TCP Fast Open), which were not read. A function of its own, to
 * save stack.
 */
static __noinline __attribute__((unused)) int
named_begin(const struct settings *s, const struct stream_key *key,
	    const struct tcphdr *tcp, int fast)
{
	struct named *n;

	/* also of who is no proxy: the entry of the connection before */
	bpf_map_delete_elem(&named, key);
	if (group_of(s, &key->client) != GROUP_PROXY)
		return 0;
	bpf_map_update_elem(&named, key, &named_zero, BPF_ANY);
	n = bpf_map_lookup_elem(&named, key);
	if (!n)
		return 0;
	n->first_seq = bpf_ntohl(tcp->ack_seq);
	n->next_seq = n->first_seq;
	n->state = fast ? NAMED_NOBODY : NAMED_AWAITED;
	return 0;
}

/* Marks a connection that has ended; who it was of may still be asked. */
static __always_inline void named_end(const struct settings *s,
				      const struct stream_key *key)
{
	struct named *n = s->proxies ? bpf_map_lookup_elem(&named, key) : NULL;

	if (n)
		n->ended = 1;
}

/*
 * Sets at->peer and at->proxy for a login on this connection, and notes one that
 * is nobody's. 0: it does not count, for it is seen on another one, too.
 */
static __noinline __attribute__((unused)) int
find_client(const struct settings *s, const struct stream_key *key,
	    struct sighting *at)
{
	struct named *n = s->proxies ? bpf_map_lookup_elem(&named, key) : NULL;

	at->peer = key->client;
	__builtin_memset(&at->proxy, 0, sizeof(at->proxy));
	if (!n)
		return 1;
	if (n->state == NAMED_CLIENT) {
		at->peer = n->client;
		at->proxy = key->client;
	} else if (n->state != NAMED_RELAYED) {
		n->logins++;
		n->last = now_jiffies();
	}
	return n->state != NAMED_RELAYED;
}

/* The same for a session inside TLS, whose client is proved. */
static __always_inline int session_client(const struct settings *s,
					  const struct tls_session *ses,
					  struct sighting *at)
{
	if (ses->stream.client_port)
		return find_client(s, &ses->stream, at);
	at->peer = ses->client; /* an earlier version's: see tls.h */
	__builtin_memset(&at->proxy, 0, sizeof(at->proxy));
	return 1;
}

#endif

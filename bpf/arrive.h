/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks at each connection that a mail server accepts, in any network
 * namespace, by the kernel's socket: which packets the gate and the wire sensor
 * get to see does not matter here. So it tells of banned clients that come in
 * by another way, and by which interfaces clients come in.
 */
#ifndef SMTPXDP_ARRIVE_H
#define SMTPXDP_ARRIVE_H

#include "accepted.h"
#include "ban_table.h"
#include "kernel.h"
#include "sign.h"

/* Has a ban with these flags been in force for long? `since` in boot ns. */
static __always_inline bool is_old(__u64 since, __u32 flags)
{
	return !(flags & BAN_TEST) &&
	       (__s64)(now_boot_ns() - since) >
		       (__s64)(SIGN_PASSES_SEC * SIGN_NSEC);
}

/*
 * Does a ban with these flags leave a port open by which a server's port may
 * have been reached? To those of submission, nobody redirects deliveries.
 */
static __always_inline bool may_be_spared(const struct settings *s, __u32 flags,
					  __u16 port)
{
	return port != 587 && port != 465 &&
	       port_is_spared(s, flags, PORT_DELIVERY);
}

/*
 * Ought the gate to have dropped this client's packets to a mail server's port
 * for some seconds now? As the gate decides.
 */
__noinline __weak int is_long_banned(const struct settings *s,
				     const struct addr *peer, __u16 port)
{
	struct ban_found f = {};
	const struct ban_info *i;
	const struct ban *b;
	__u32 flags;

	if (!s || !peer)
		return 0;
	port = bound_index(port, 65536);
	if (s->scope == SCOPE_MAIL && !port_is_closed(s, port))
		return 0;
	client_of(s, peer, &f.client.addr);
	if (ban_find_now(&f)) {
		i = ban_info_of(f.head, &f.client, f.pos);
		if (!i)
			return 0;
		flags = ban_flags(&i->cause);
		return is_old(i->cause.since, flags) &&
		       !may_be_spared(s, flags, port) &&
		       !allow_overrules(allow_find(s, peer), flags);
	}
	b = s->have_ban_nets ? ban_net_find(peer) : NULL;
	return b && is_old(b->since, b->flags) &&
	       !allow_overrules(allow_find(s, peer), b->flags);
}

/* The interface where a connection's packets came in first; 0: not known. */
static __always_inline __u32 way_of(const struct sock *sk)
{
	if (!bpf_core_field_exists(sk->sk_rx_dst_ifindex))
		return 0;
	return sk->sk_rx_dst_ifindex;
}

static const struct sign sign_zero;

/* Notes the way, of connections to servers in the daemon's namespace. */
static __always_inline void note_way(__u32 way, const struct addr *peer,
				     __u16 port)
{
	struct sign *a = bpf_map_lookup_elem(&arrivals, &way);

	if (!a) {
		bpf_map_update_elem(&arrivals, &way, &sign_zero, BPF_NOEXIST);
		a = bpf_map_lookup_elem(&arrivals, &way);
	}
	if (a)
		add_sign(a, peer, port, way);
}

static const struct elsewhere elsewhere_zero;

/* Notes a connection to a server in another network namespace. */
__noinline __weak int note_elsewhere(__u32 netns, __u64 cookie,
				     const struct addr *peer, __u16 port,
				     bool passes)
{
	struct elsewhere *e = bpf_map_lookup_elem(&elsewhere, &netns);

	if (!peer)
		return 0;
	if (!e || e->cookie != cookie) {
		bpf_map_update_elem(&elsewhere, &netns, &elsewhere_zero,
				    BPF_ANY);
		e = bpf_map_lookup_elem(&elsewhere, &netns);
		if (!e)
			return 0;
		e->cookie = cookie;
	}
	return add_sign(passes ? &e->passes : &e->unwatched, peer, port, 0);
}

/*
 * Is this an address that strangers have? Containers talk to each other by
 * private ones, past every interface that is worth a watch.
 */
static __always_inline bool is_public(const struct addr *a)
{
	const __u8 *v4 = a->b + 12;

	if (!addr_is_v4(a))
		return (a->b[0] & 0xfe) != 0xfc && a->b[0] != 0xfe && a->q[0];
	return !(v4[0] == 10 || v4[0] == 127 ||
		 (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
		 (v4[0] == 192 && v4[1] == 168) ||
		 (v4[0] == 169 && v4[1] == 254) ||
		 (v4[0] == 100 && (v4[1] & 0xc0) == 64));
}

/*
 * Has an ordinary user made its network namespace? No interface leads there: what
 * comes in has been accepted here before, by a process of that user (pasta).
 */
static __always_inline bool in_users_netns(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->user_ns->owner.val;
}

/* Handles a connection that a server on mail port `port` has just accepted. */
static __noinline int arrived(const struct settings *s,
			      const struct tcp_sock *tp, __u16 port)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;
	const struct net___kernel *net = netns_of(sk);
	__u32 netns = net->ns.inum, way;
	__u64 cookie = net->net_cookie;
	struct addr peer, server;
	bool passes;

	if (is_bound(tp))
		return 0;
	ends_of(sk, &peer, &server);
	/* in a namespace of his own, a user is whoever he likes */
	if (in_users_netns(sk) && !is_named(s, &server))
		return 0;
	who_inside(s, &peer);
	passes = is_long_banned(s, &peer, port);
	if (netns == our_netns) {
		way = way_of(sk);
		if (way)
			note_way(way, &peer, port);
		return passes ? note_sign(SIGN_PASSES, &peer, port, way) : 0;
	}
	if (passes)
		note_elsewhere(netns, cookie, &peer, port, true);
	if (is_public(&peer) && !in_users_netns(sk) && !forwards())
		note_elsewhere(netns, cookie, &peer, port, false);
	return 0;
}

#endif

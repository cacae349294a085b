/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Notes signs that protection is not what it seems: see include/alarm.h. */
#ifndef SMTPXDP_SIGN_H
#define SMTPXDP_SIGN_H

#include <bpf/bpf_endian.h>

#include "alarm.h"
#include "maps.h"
#include "now.h"
#include "pure/window.h"
#include "sighting.h"

#define SIGN_PAUSE_NSEC (SIGN_PAUSE_SEC * SIGN_NSEC)

static const struct exempt exempt_zero;

/*
 * Adds to a sign. Races of CPUs cost a sign, or mix two clients' addresses.
 */
__noinline __weak int add_sign(struct sign *sign, const struct addr *who,
			       __u32 port, __u32 ifindex)
{
	__u64 now = now_boot_ns();

	if (!who || !sign)
		return 0;
	if (now - sign->last > SIGN_PAUSE_NSEC) {
		sign->count = 0;
		sign->first = now;
	}
	__sync_fetch_and_add(&sign->count, 1);
	sign->last = now;
	sign->who = *who;
	sign->port = port;
	sign->ifindex = ifindex;
	return 0;
}

/* The same, by the sign's kind. */
__noinline __weak int note_sign(__u32 kind, const struct addr *who, __u32 port,
				__u32 ifindex)
{
	struct sign *sign = bpf_map_lookup_elem(&signs, &kind);

	return who && sign ? add_sign(sign, who, port, ifindex) : 0;
}

/* Notes that a forwarded SYN-ACK leaves; of a flood, one each second. */
static __always_inline void note_forwarded(void)
{
	__u32 kind = SIGN_FORWARDED;
	struct sign *sign = bpf_map_lookup_elem(&signs, &kind);
	__u64 now = now_boot_ns();

	if (sign && now - sign->last > SIGN_NSEC)
		sign->last = now;
}

/* Has one left within the last minute? */
static __always_inline bool forwards(void)
{
	__u32 kind = SIGN_FORWARDED;
	const struct sign *sign = bpf_map_lookup_elem(&signs, &kind);

	return sign && sign->last &&
	       now_boot_ns() - sign->last < SIGN_FOREIGN_SEC * SIGN_NSEC;
}

/* Counts a failure of a client that can be banned. */
__noinline __weak int note_counted(void)
{
	__u32 kind = SIGN_COUNTED;
	struct sign *sign = bpf_map_lookup_elem(&signs, &kind);

	if (sign)
		__sync_fetch_and_add(&sign->count, 1);
	return 0;
}

static __always_inline __u64 counted_so_far(void)
{
	__u32 kind = SIGN_COUNTED;
	const struct sign *sign = bpf_map_lookup_elem(&signs, &kind);

	return sign ? *(volatile const __u64 *)&sign->count : 0;
}

static __always_inline void halve(struct exempt *e, __u64 now)
{
	bool quiet = now - e->last > SIGN_PAUSE_NSEC;

	if (now - e->since <= SIGN_PAUSE_NSEC)
		return;
	e->since = now;
	e->recent = quiet ? 0 : e->recent / 2;
	e->others = quiet ? 0 : e->others / 2;
	e->successes = quiet ? 0 : e->successes / 2;
}

/* Counts a failure of a client that is never banned, in map exempt. */
__noinline __weak int note_exempt(const struct sighting *at)
{
	__u64 now = now_boot_ns(), counted = counted_so_far();
	struct exempt *e;
	struct addr who;

	if (!at)
		return 0;
	who = at->peer; /* Linux 6.1 takes no other memory for a key */
	e = bpf_map_lookup_elem(&exempt, &who);
	if (!e) {
		bpf_map_update_elem(&exempt, &who, &exempt_zero, BPF_NOEXIST);
		e = bpf_map_lookup_elem(&exempt, &who);
		if (!e)
			return 0;
		e->counted = counted;
		e->since = now;
		e->last = now;
	}
	halve(e, now);
	e->others += counted - e->counted;
	e->counted = counted;
	e->last = now;
	e->port = at->port;
	e->code = at->code;
	__sync_fetch_and_add(&e->failures, 1);
	__sync_fetch_and_add(&e->recent, 1);
	return 0;
}

/* Counts a success, if the client is in map exempt. */
__noinline __weak int note_success(const struct addr *peer)
{
	struct exempt *e;
	struct addr who;

	if (!peer)
		return 0;
	who = *peer;
	e = bpf_map_lookup_elem(&exempt, &who);
	if (e)
		__sync_fetch_and_add(&e->successes, 1);
	return 0;
}

/*
 * Notes a conversation inside TLS that the TLS sensor has not seen. It counts
 * the times that the client has spoken since the ServerHello: `ack` tells how
 * much of it the server has. First the handshake's end, then EHLO and AUTH are
 * answered; so by the last of SIGN_TURNS, the write call of the first reply has
 * returned. `ends`: the server's last segment, which needs one turn less.
 */
__noinline __weak int note_unseen(const struct stream_key *key, struct hello *h,
				  __u32 ack, __u32 ends)
{
	const struct tls_hello *hello;
	struct tls_random random;
	struct addr client;
	__u32 turns;

	if (!key || !h || h->state != HELLO_READ)
		return 0;
	turns = h->turns;
	if (!turns || ack != h->heard) {
		h->heard = ack;
		if (turns < 255)
			h->turns = ++turns;
	} else if (!ends) {
		return 0;
	}
	if (turns != SIGN_TURNS && !(ends && turns == SIGN_TURNS - 1))
		return 0;
	h->turns = 255;
	__builtin_memcpy(&random, h->byte + HELLO_RANDOM_AT, sizeof(random));
	hello = bpf_map_lookup_elem(&tls_hellos, &random);
	if (!hello || hello->seen)
		return 0;
	client = key->client;
	note_sign(SIGN_UNSEEN, &client, bpf_ntohs(key->server_port), 0);
	return 0;
}

/*
 * Notes a failure of a client whose ban is so old that no reply to a login from
 * before it can still have been on its way.
 */
__noinline __weak int note_goes_on(const struct settings *s,
				   const struct sighting *at,
				   const struct client *c)
{
	const struct policy *p;
	__u64 until, began;

	if (!s || !at || !c || s->mode != MODE_ENFORCE ||
	    !port_is_closed(s, at->port))
		return 0;
	p = &s->policy[bound_index(c->policy, POLICIES_MAX)];
	until = *(volatile const __u64 *)&c->until;
	began = (until >> 1) - p->ban_jiffies;
	if (until & 1 && p->ban_sec &&
	    (__s64)(now_jiffies() - began -
		    p->ban_jiffies / p->ban_sec * SIGN_GOES_ON_SEC) > 0)
		note_sign(SIGN_GOES_ON, &at->peer, at->port, at->ifindex);
	return 0;
}

#endif

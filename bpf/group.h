/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which group an address is in: include/groups.h. */
#ifndef SMTPXDP_GROUP_H
#define SMTPXDP_GROUP_H

#include "maps.h"
#include "now.h"

/* Does a server take this peer for a proxy? See claim.h. */
static __always_inline bool has_claim(const struct addr *peer)
{
	struct addr key = *peer; /* 6.1 takes no key from a caller's memory */
	const struct claimant *c = bpf_map_lookup_elem(&claimants, &key);

	return c && now_boot_ns() - c->last < CLAIM_SECONDS * 1000000000ULL;
}

/* The groups' entry for an address, or NULL. */
static __always_inline const struct group_entry *
group_entry_of(const struct settings *s, const struct addr *peer)
{
	struct net key = { .len = ADDR_BITS };

	if (!s->groups)
		return NULL;
	__builtin_memcpy(key.addr, peer->b, sizeof(key.addr));
	return s->groups == 1 ? bpf_map_lookup_elem(&groups_a, &key) :
				bpf_map_lookup_elem(&groups_b, &key);
}

/*
 * The enum group of an address. While no key names a proxy, who is taken for one
 * counts as one: it is not to be banned, but to be told of.
 */
__noinline __weak int group_of(const struct settings *s,
			       const struct addr *peer)
{
	const struct group_entry *g;

	if (!s || !peer)
		return GROUP_NONE;
	if (!s->proxies && has_claim(peer))
		return GROUP_PROXY;
	g = group_entry_of(s, peer);
	return g ? g->group : GROUP_NONE;
}

#endif

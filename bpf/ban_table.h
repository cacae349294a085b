/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ban table as the programs use it. Whatever structure is behind it, this
 * is all that the others know of it.
 */
#ifndef SMTPXDP_BAN_TABLE_H
#define SMTPXDP_BAN_TABLE_H

#include "maps.h"

static __always_inline bool ban_active(const struct ban *b, __u64 jiffies)
{
	return jiffies < *(volatile const __u64 *)&b->expires;
}

static __always_inline struct ban *ban_find(const struct addr *client)
{
	return bpf_map_lookup_elem(&bans, client);
}

/*
 * Bans a client that is not banned: writes all of `b`, counters too. -E2BIG
 * when the map is full; -EEXIST when another CPU was quicker.
 */
static __always_inline long ban_insert(const struct addr *client,
				       const struct ban *b)
{
	return bpf_map_update_elem(&bans, client, b, BPF_NOEXIST);
}

/*
 * The ban of a network that holds for an address. An entry that has run out
 * hides the wider ones behind it until somebody removes it: so look again
 * with a shorter prefix.
 */
#define NETS_TRIES 8

static __always_inline struct ban *ban_net_find(const struct addr *a,
						__u64 jiffies)
{
	struct net key = { .len = ADDR_BITS };

	__builtin_memcpy(key.addr, a, sizeof(key.addr));
	for (int i = 0; i < NETS_TRIES; i++) {
		struct ban *b = bpf_map_lookup_elem(&ban_nets, &key);

		if (!b || ban_active(b, jiffies))
			return b;
		if (b->len == 0)
			return NULL;
		key.len = b->len - 1;
	}
	return NULL;
}

/* enum allow_flags of the longest network on the allowlist, or 0. */
static __always_inline __u32 allow_find(const struct settings *s,
					const struct addr *a)
{
	struct net key = { .len = ADDR_BITS };
	struct allow *allow;

	if (!s->have_allow)
		return 0;
	__builtin_memcpy(key.addr, a, sizeof(key.addr));
	allow = bpf_map_lookup_elem(&allow_nets, &key);
	return allow ? allow->flags : 0;
}

#endif

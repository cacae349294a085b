/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lookups of bans and allowlist for the BPF programs. They hide how the table
 * of bans is built (include/ban_lines.h).
 */
#ifndef SMTPXDP_BAN_TABLE_H
#define SMTPXDP_BAN_TABLE_H

#include "maps.h"
#include "now.h"

static __always_inline struct ban_head *ban_head(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bans, &zero);
}

/* Is the client f->client.addr with this ban_hash() banned now? See ban_find(). */
static __always_inline bool ban_find_at(struct ban_found *f, __u64 hash)
{
	return ban_find_line(f, hash) &&
	       ban_find(f, now_jiffies() >> f->head->tick_shift);
}

static __always_inline bool ban_find_now(struct ban_found *f)
{
	f->head = ban_head();
	return f->head && ban_find_at(f, ban_hash(f->head, &f->client.addr));
}

/*
 * Counts a dropped packet in the ban's line. When the bits there are full, or
 * another CPU changes them meanwhile, counts in map ban_infos instead and moves
 * the line's drops there.
 */
static __always_inline void ban_count(struct ban_found *f, __u32 bytes)
{
	__u32 *count = &f->line->count[f->pos % BAN_WAYS], old, n;
	struct ban_info *i;

	old = BAN_READ(*count);
	n = (old & BAN_DROPS_MASK) + BAN_PACKET;
	if (n <= BAN_DROPS_MASK &&
	    (old & BAN_BYTES_MASK) + bytes <= BAN_BYTES_MASK &&
	    BAN_SWAP(count, old, old + BAN_PACKET + bytes) == old)
		return;
	i = ban_info_of(f->head, &f->client, f->pos);
	if (!i)
		return;
	__sync_fetch_and_add(&i->packets, 1);
	__sync_fetch_and_add(&i->bytes, bytes);
	old = BAN_READ(*count);
	if (BAN_SWAP(count, old, old & ~BAN_DROPS_MASK) != old)
		return;
	__sync_fetch_and_add(&i->packets, (old & BAN_DROPS_MASK) / BAN_PACKET);
	__sync_fetch_and_add(&i->bytes, old & BAN_BYTES_MASK);
}

/*
 * Does the ban drop all packets of its client? A ban that is not plain needs a
 * look at its flags and the allowlist, which may hold some address of the
 * client.
 */
static __always_inline bool ban_is_plain(const struct ban_found *f)
{
	return !(BAN_READ(f->line->count[f->pos % BAN_WAYS]) & BAN_NOT_PLAIN);
}

/* enum ban_flags of a ban that was found. */
static __always_inline __u32 ban_found_flags(const struct ban_found *f)
{
	const struct ban_info *i = ban_info_of(f->head, &f->client, f->pos);

	ban_fence();
	return i ? ban_flags(&i->cause) : 0;
}

/*
 * The ban in force of a network that contains an address, or NULL. An LPM trie
 * returns the longest network only, and that entry may have expired and not
 * been removed yet: so up to NETS_TRIES lookups follow, each with a shorter
 * prefix.
 */
#define NETS_TRIES 8

static __always_inline bool ban_net_active(const struct ban *b, __u64 jiffies)
{
	return jiffies < *(volatile const __u64 *)&b->expires;
}

static __always_inline struct ban *ban_net_find(const struct addr *a)
{
	struct net key = { .len = ADDR_BITS };
	__u64 now = now_jiffies();

	__builtin_memcpy(key.addr, a, sizeof(key.addr));
	for (int i = 0; i < NETS_TRIES; i++) {
		struct ban *b = bpf_map_lookup_elem(&ban_nets, &key);

		if (!b || ban_net_active(b, now))
			return b;
		if (b->len == 0)
			return NULL;
		key.len = b->len - 1;
	}
	return NULL;
}

/* enum allow_flags of an address's longest allowlisted network, or 0. */
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

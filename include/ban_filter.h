/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A filter before the table of bans, for innocent clients: most of them need no
 * line of a table that is larger than the CPU's caches. It says "perhaps", or no,
 * but never no of a client whose ban_put() has returned. Pure.
 *
 * It is a Bloom filter in words of 64 bits, of which a client sets four in one
 * word. Nobody clears a bit when a ban goes. Instead, there are two
 * filters behind the table's lines: the gate reads one of them, and when that
 * holds too many clients, ban_filter_build() fills the other one and puts it in
 * force.
 *
 * Invariants:
 * - ban_put() sets the bits before it publishes a ban, and looks again behind it:
 *   in the filter in force, and in the one that is being built.
 * - A build sets BAN_FILTER_BUILDING before it looks at the first slot. So it sees
 *   the ban, or whoever put that sees the mark, both having passed a full barrier.
 *
 * Error: with 12 bits for each ban that the table has room for, and one eighth
 * more clients than that, 1.5 % of the innocent are told "perhaps".
 */
#ifndef SMTPXDP_BAN_FILTER_H
#define SMTPXDP_BAN_FILTER_H

#include "ban_lines.h"
#include "ban_order.h"

#define BAN_FILTER_ROOM 12 /* bits for each ban that there is room for */
#define BAN_FILTER_WORDS (sizeof(struct ban_line) / sizeof(__u64))

/* Bits of ban_head.filter_state. */
#define BAN_FILTER_SECOND 1U /* the second filter is in force */
#define BAN_FILTER_BUILDING 2U /* the other one is being built */

/* Where a client's bits are. */
struct ban_filter_place {
	__u32 line; /* of its filter */
	__u32 word;
	__u64 bits;
};

/* hash: ban_hash(), whose upper half gives the home line. */
static BAN_INLINE struct ban_filter_place
ban_filter_place(const struct ban_head *h, __u64 hash)
{
	__u64 more = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;

	return (struct ban_filter_place){
		.line = (more >> 32) * h->filter_lines >> 32,
		.word = more >> 29 & (BAN_FILTER_WORDS - 1),
		.bits = 1ULL << (more >> 23 & 63) | 1ULL << (more >> 17 & 63) |
			1ULL << (more >> 11 & 63) | 1ULL << (more >> 5 & 63),
	};
}

/*
 * The word of a filter: the first one, or with BAN_FILTER_SECOND the other. NULL: a
 * table of a version before has none.
 */
static BAN_INLINE __u64 *ban_filter_word(struct ban_head *h,
					 const struct ban_filter_place *p,
					 __u32 second)
{
	__u32 line = 1 + h->lines + p->line;
	struct ban_line *l;

	if (!h->filter_lines)
		return NULL;
	if (second)
		line += h->filter_lines;
	l = ban_line_at(h, line);
	return l ? (__u64 *)l + (p->word & (BAN_FILTER_WORDS - 1)) : NULL;
}

/* False: the client with this ban_hash() is not banned. */
static BAN_INLINE bool ban_filter_has(struct ban_head *h, __u64 hash)
{
	struct ban_filter_place p = ban_filter_place(h, hash);
	__u32 state = BAN_READ(h->filter_state);
	__u64 *word = ban_filter_word(h, &p, state & BAN_FILTER_SECOND);

	if (!word)
		return true;
	word = BAN_AFTER(word, state);
	return !(p.bits & ~BAN_READ(*word));
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps bans and ban_infos, the table of banned clients: exact, without locks,
 * written by BPF programs on several CPUs and by user space through mmap,
 * always by the functions of ban_search.h and ban_ops.h. Pure.
 *
 * A line fills a cache line and has four slots. A slot holds a client's key,
 * the end of its ban, and its drops since they were last added to ban_infos.
 * The gate looks only at the home line, to which the client's address hashes,
 * unless entries went past that line because it was full; then it searches on,
 * through BAN_PROBE lines at most. Map ban_infos holds the rest of a ban, for
 * people, at the same index.
 *
 * Invariants:
 * - A slot belongs to the CPU or process that has set its `expires` to
 *   BAN_CLAIMED, by compare and swap, from BAN_FREE or from a time that is
 *   past. A ban in force is claimed only to remove it. Only the owner writes
 *   key and client.
 * - `expires` publishes a slot: the owner sets it after all other fields, and
 *   never to a time that is past. So a compare and swap of `expires` from a
 *   time that is past cannot hit another client's ban.
 * - A reader that sees its key, then an `expires` that is not past, and then
 *   its key again, has seen its client's ban: between two owners of a slot,
 *   `expires` never is in the future.
 * - A reader reads slot after slot, and a line's passes last, in this order on
 *   every CPU (ban_order.h). If a slot was given up for a later one of the same
 *   client, the later one had been published before, further on.
 * - A line's passes (BAN_PASS) count the entries that lie beyond it on their
 *   search. They are raised before such an entry is published and lowered after
 *   it is removed, so no search ends too early.
 * - `used` counts the slots that are not free. It exceeds `max` only while a
 *   caller of ban_claim() finds that there is no room.
 * - Two CPUs that ban one client at once may publish two slots. Each then runs
 *   ban_settle(), which leaves the last one. A search takes any slot whose ban
 *   is in force; a removal removes all.
 * - A process killed between claiming and publishing leaks that slot until the
 *   table is made anew. No ban is lost.
 */
#ifndef SMTPXDP_BAN_LINES_H
#define SMTPXDP_BAN_LINES_H

#include <linux/errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "ban.h"

/*
 * What BPF programs have no frame for: a call of a kernel's eight. Clang 19 makes
 * functions of what is only called inline.
 */
#define BAN_INLINE inline __attribute__((always_inline))

#define BAN_WAYS 4
#define BAN_PROBE 32 /* lines that one search visits, at most */

#define BAN_FREE 0
#define BAN_CLAIMED 1
#define BAN_TICK_MAX 0xffffffffU /* no end before the next boot */

struct ban_line {
	__u64 who[BAN_WAYS]; /* keys of the clients: see ban_key() */
	/* ticks of the table, or BAN_FREE, BAN_CLAIMED */
	__u32 expires[BAN_WAYS];
	/* drops not in ban_infos yet, and flags: see below */
	__u32 count[BAN_WAYS];
};

/*
 * Bits of ban_line.count[]: bytes (0..16) and packets (17..23) that were
 * dropped and are not in ban_infos yet; in slot 0 also the line's passes
 * (24..30); and BAN_NOT_PLAIN. So a drop writes to no other cache line.
 */
#define BAN_BYTES_MASK 0x1ffffU
#define BAN_PACKET (1U << 17)
#define BAN_DROPS_MASK 0xffffffU
#define BAN_PASS (1U << 24)
#define BAN_PASS_MASK (127U << 24)
/* Limit of a line's passes; CPUs that add at once may exceed it. */
#define BAN_PASSES_MAX 64U
#define BAN_NOT_PLAIN (1U << 31) /* see ban_is_plain() of ban_table.h */

/* Why a client was banned; members as in struct ban. */
struct ban_cause {
	__u64 since;
	__u32 window;
	__u16 code_flags; /* see ban_code_flags() */
	__u8 failures;
	__u8 len;
};

#define BAN_CODE_BITS 10 /* reply codes end at 559 */

/* Packs a reply code and enum ban_flags into 16 bits. */
static inline __u16 ban_code_flags(__u32 code, __u32 flags)
{
	return code | flags << BAN_CODE_BITS;
}

static inline __u32 ban_code(const struct ban_cause *c)
{
	return c->code_flags & ((1U << BAN_CODE_BITS) - 1);
}

static inline __u32 ban_flags(const struct ban_cause *c)
{
	return c->code_flags >> BAN_CODE_BITS;
}

struct ban_info {
	struct addr client;
	__u64 packets; /* dropped, but for those still in count[] */
	__u64 bytes;
	struct ban_cause cause;
};

struct ban_infos {
	struct ban_info way[BAN_WAYS];
};

/* The table's head, in the place of line 0. */
struct ban_head {
	__u32 lines; /* lines of slots, from index 1 */
	__u32 max; /* bans allowed at once */
	__u32 used; /* slots in use */
	__u32 tick_shift; /* a tick is 1 << tick_shift jiffies */
	__u64 seed[4]; /* random, so that no sender can aim at a line */
	/* lines of each of two filters behind those of slots: ban_filter.h */
	__u32 filter_lines;
	__u32 filter_state;
	/* clients that the filter in force has, or so many puts */
	__u32 filter_keys;
	__u32 pad;
};

_Static_assert(sizeof(struct ban_line) == 64, "a cache line");
_Static_assert(sizeof(struct ban_info) == 48, "map value");
_Static_assert(sizeof(struct ban_head) == sizeof(struct ban_line), "line 0");

/* A client and where the table has it; ban_client() fills all but addr. */
struct ban_client {
	struct addr addr; /* masked to client_len */
	__u64 key;
	__u32 home; /* index of its home line */
	__u32 lines;
};

enum ban_put_mode {
	BAN_EXTEND, /* a ban in force is prolonged or left, never shortened */
	BAN_REPLACE, /* a ban in force is overwritten, but for its drops */
};

/* What ban_put() writes. */
struct ban_entry {
	__u32 expires; /* ticks; later than `now` */
	/* the current tick */
	__u32 now;
	__u32 not_plain; /* BAN_NOT_PLAIN, or 0 */
	__u32 mode; /* enum ban_put_mode */
	struct ban_cause cause;
};

/*
 * The tick for a jiffy, rounded up so that no ban ends too early; never
 * BAN_FREE or BAN_CLAIMED.
 */
static inline __u32 ban_tick_up(__u64 jiffies, __u32 shift)
{
	__u64 tick = (jiffies >> shift) + !!(jiffies & ((1ULL << shift) - 1));

	if (tick >= BAN_TICK_MAX)
		return BAN_TICK_MAX;
	return tick > BAN_CLAIMED ? tick : BAN_CLAIMED + 1;
}

/*
 * The earliest jiffy that ban_tick_up() maps to this tick: so reading a ban and
 * writing it back does not move its end.
 */
static inline __u64 ban_tick_jiffies(__u32 tick, __u32 shift)
{
	return ((__u64)(tick - 1) << shift) + 1;
}

/*
 * The second round of ban_hash(). Multiply-shift alone is universal in its
 * upper half for senders who do not know the seed, but places consecutive
 * addresses at equal distances, and with some seeds more in one line than fit.
 */
static BAN_INLINE __u64 ban_mix(const struct ban_head *h, __u64 sum)
{
	return (sum ^ sum >> 32) * h->seed[2];
}

static BAN_INLINE __u64 ban_hash_v4(const struct ban_head *h, __u32 a)
{
	return ban_mix(h, a * h->seed[3]);
}

/* Keyed hash of a masked address; it gives the home line. */
static BAN_INLINE __u64 ban_hash(const struct ban_head *h, const struct addr *a)
{
	/* the other words of a v4-mapped address are constant */
	if (addr_is_v4(a))
		return ban_hash_v4(h, a->d[3]);
	if (!a->q[1])
		return ban_mix(h, a->d[0] * h->seed[0] + a->d[1] * h->seed[1]);
	return ban_mix(h, a->d[0] * h->seed[0] + a->d[1] * h->seed[1] +
				  a->d[2] * h->seed[2] + a->d[3] * h->seed[3]);
}

/*
 * A client's key, never 0: ::ffff:a.b.c.d by its lower half, an IPv6 network of
 * up to 64 bits by its upper half. All others (longer prefixes, and 0000::/16,
 * which would look like IPv4) get 40 bits of the hash behind 0000:01; for
 * these, a match needs a look at ban_info.client.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BAN_KEY_FIRST 0xffffULL
#define BAN_KEY_HASHED 0x010000ULL
#define BAN_KEY_HASHED_MASK 0xffffffULL
#else
#define BAN_KEY_FIRST (0xffffULL << 48)
#define BAN_KEY_HASHED (0x000001ULL << 40)
#define BAN_KEY_HASHED_MASK (0xffffffULL << 40)
#endif

static inline __u64 ban_key(const struct addr *a, __u64 hash)
{
	if (addr_is_v4(a))
		return a->q[1];
	if (!a->q[1] && a->q[0] & BAN_KEY_FIRST)
		return a->q[0];
	return ((hash ^ hash >> 24) & ~BAN_KEY_HASHED_MASK) | BAN_KEY_HASHED;
}

static inline bool ban_key_is_hashed(__u64 key)
{
	return (key & BAN_KEY_HASHED_MASK) == BAN_KEY_HASHED;
}

static inline __u32 ban_home(const struct ban_head *h, __u64 hash)
{
	return 1 + (__u32)((hash >> 32) * h->lines >> 32);
}

/* Fills in key and home line of c->addr, by its ban_hash(). */
static inline void ban_client_at(const struct ban_head *h, struct ban_client *c,
				 __u64 hash)
{
	c->key = ban_key(&c->addr, hash);
	c->home = ban_home(h, hash);
	c->lines = h->lines;
}

static inline void ban_client(const struct ban_head *h, struct ban_client *c)
{
	ban_client_at(h, c, ban_hash(h, &c->addr));
}

/* Entries of map bans: the head, the lines of slots, and two filters. */
static inline __u32 ban_entries(const struct ban_head *h)
{
	return 1 + h->lines + 2 * h->filter_lines;
}

#endif

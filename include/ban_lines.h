/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of banned clients: exact, without locks, written by programs on
 * several CPUs and by user space through mmap, all by the functions of
 * ban_search.h and ban_ops.h. Pure.
 *
 * A line is a cache line of four slots: who is banned, until when, and how
 * much of him was dropped lately. A packet looks at the line that its source
 * hashes to and is done, unless entries had to go past that line because it
 * was full: then at another one, BAN_PROBE lines at most. What only people
 * look at lies in a second array at the same index.
 *
 * Invariants:
 * - A slot belongs to whoever set its `expires` to BAN_CLAIMED, by compare and
 *   swap, from BAN_FREE or from a time that is past. A ban that holds is never
 *   taken from its client, except to unban it. Only the owner writes key and
 *   client.
 * - `expires` is what publishes a slot: it is set after all the rest, and
 *   nothing that is past is ever published. So a compare and swap of it from a
 *   time that is past cannot hit another client's ban.
 * - A reader that sees its key, then an `expires` that holds, and the key
 *   again, has seen a ban of its client: between two owners of a slot, expires
 *   does not hold.
 * - A reader reads slot after slot, and a line's `passes` last, in this order
 *   whatever the CPU: see ban_order.h. Where something has gone, what it went
 *   for was there before, further on.
 * - Of a line, `passes` counts the entries whose search goes past it. It is
 *   raised before such an entry is published and lowered after it is gone, so
 *   no search ends too early.
 * - `used` counts the slots that are not free. It exceeds `max` only for the
 *   moment in which somebody finds that there is no room.
 * - Two CPUs that ban one client at once may publish two slots: whoever then
 *   sees two of them leaves only the last one. A search takes any that holds;
 *   a removal removes all.
 * - A process that is killed between claiming and publishing leaves a slot
 *   that nobody uses until the table is made anew: a slot, never a ban.
 */
#ifndef SMTPXDP_BAN_LINES_H
#define SMTPXDP_BAN_LINES_H

#include <linux/errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "ban.h"

#define BAN_WAYS 4
#define BAN_PROBE 32 /* lines that a search looks at, at most */

#define BAN_FREE 0
#define BAN_CLAIMED 1
#define BAN_TICK_MAX 0xffffffffU /* holds as long as the machine is up */

struct ban_line {
	__u64 who[BAN_WAYS]; /* see ban_key(); where he is, ban_hash() says */
	__u32 expires[BAN_WAYS]; /* ticks, or BAN_FREE, BAN_CLAIMED */
	__u32 count[BAN_WAYS]; /* see below */
};

/*
 * count[]: bytes and packets that were dropped and are not in ban_info yet; in
 * that of slot 0, the line's passes; a flag. So a drop writes to no other line.
 */
#define BAN_BYTES_MASK 0x1ffffU
#define BAN_PACKET (1U << 17)
#define BAN_DROPS_MASK 0xffffffU
#define BAN_PASS (1U << 24)
#define BAN_PASS_MASK (127U << 24)
/* Entries; CPUs that add one at once may exceed it. */
#define BAN_PASSES_MAX 64U
#define BAN_NOT_PLAIN (1U << 31) /* drops not all: see drop.bpf.c */

/* As in struct ban. */
struct ban_cause {
	__u64 since;
	__u32 window;
	__u16 code_flags; /* both: see below */
	__u8 failures;
	__u8 len;
};

#define BAN_CODE_BITS 10 /* reply codes end at 559 */

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
	__u64 packets; /* dropped, without those in count[] */
	__u64 bytes;
	struct ban_cause cause;
};

struct ban_infos {
	struct ban_info way[BAN_WAYS];
};

/* Takes the place of line 0. */
struct ban_head {
	__u32 lines; /* those behind this one */
	__u32 max; /* bans */
	__u32 used;
	__u32 tick_shift; /* a tick is 1 << tick_shift jiffies */
	__u64 seed[4]; /* random: nobody can aim at a line */
	__u64 pad[2];
};

_Static_assert(sizeof(struct ban_line) == 64, "a cache line");
_Static_assert(sizeof(struct ban_info) == 48, "map value");
_Static_assert(sizeof(struct ban_head) == sizeof(struct ban_line), "line 0");

/* A client, as the table looks for it. */
struct ban_client {
	struct addr addr; /* masked */
	__u64 key;
	__u32 home; /* line */
	__u32 lines;
};

enum ban_put_mode {
	BAN_EXTEND, /* what holds is made longer, never shorter, else kept */
	BAN_REPLACE, /* what holds is described anew; its drops remain */
};

/* What is to be written. */
struct ban_entry {
	__u32 expires; /* ticks; after `now` */
	__u32 now;
	__u32 not_plain; /* BAN_NOT_PLAIN, or 0 */
	__u32 mode; /* enum ban_put_mode */
	struct ban_cause cause;
};

/* A tick later than needed rather than one too early; never one that is none.
 */
static inline __u32 ban_tick_up(__u64 jiffies, __u32 shift)
{
	__u64 tick = (jiffies >> shift) + !!(jiffies & ((1ULL << shift) - 1));

	if (tick >= BAN_TICK_MAX)
		return BAN_TICK_MAX;
	return tick > BAN_CLAIMED ? tick : BAN_CLAIMED + 1;
}

/*
 * The earliest jiffy for which ban_tick_up() gives this tick: so what is read
 * and written again stays the same, and nobody is told a second too many.
 */
static inline __u64 ban_tick_jiffies(__u32 tick, __u32 shift)
{
	return ((__u64)(tick - 1) << shift) + 1;
}

/*
 * Multiply-shift of the address's words: the upper half is universal, for
 * whoever does not know the seed. But of addresses one behind the other it
 * makes numbers at equal distances, which with some seeds come in heaps that
 * do not fit: hence the second round.
 */
static inline __u64 ban_mix(const struct ban_head *h, __u64 sum)
{
	return (sum ^ sum >> 32) * h->seed[2];
}

static inline __u64 ban_hash(const struct ban_head *h, const struct addr *a)
{
	if (addr_is_v4(a)) /* the rest of it is always the same */
		return ban_mix(h, a->d[3] * h->seed[3]);
	if (!a->q[1])
		return ban_mix(h, a->d[0] * h->seed[0] + a->d[1] * h->seed[1]);
	return ban_mix(h, a->d[0] * h->seed[0] + a->d[1] * h->seed[1] +
				  a->d[2] * h->seed[2] + a->d[3] * h->seed[3]);
}

/*
 * The key says who it is: ::ffff:a.b.c.d by its lower half, an IPv6 network of
 * up to 64 bits by its upper half. Others (longer ones, and what begins with
 * 0000::/16, which would look like the former) have a hash behind 0000:01,
 * and ban_info has to be asked. No key is 0.
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

/* Of c->addr. */
static inline void ban_client(const struct ban_head *h, struct ban_client *c)
{
	__u64 hash = ban_hash(h, &c->addr);

	c->key = ban_key(&c->addr, hash);
	c->home = ban_home(h, hash);
	c->lines = h->lines;
}

#endif

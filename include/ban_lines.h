/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of banned clients: exact, without locks, written by programs on
 * several CPUs and by user space through mmap, all by the functions below.
 * Pure: the includer says how a line is got at.
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
 *   does not hold. (This needs loads in order, as x86 makes them. Elsewhere, a
 *   packet in the nanoseconds in which a slot changes hands may be judged by
 *   the one before.)
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
#define BAN_PROBE 16 /* lines that a search looks at, at most */

#define BAN_FREE 0
#define BAN_CLAIMED 1
#define BAN_TICK_MAX 0xffffffffU /* holds as long as the machine is up */

struct ban_line {
	__u64 key[BAN_WAYS]; /* see ban_key() */
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
#define BAN_PASSES_MAX                                                         \
	64U /* entries; CPUs that add one at once may exceed it */
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

/* The includer's. NULL for no such line, which cannot be. */
static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i);
static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i);

#define BAN_READ(x) (*(const volatile __typeof__(x) *)&(x))
#define BAN_WRITE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define BAN_SWAP(p, old, new) __sync_val_compare_and_swap(p, old, new)

/* In programs, functions that the verifier looks at once. */
#ifndef BAN_FN
#define BAN_FN static inline
#endif

/* Where other CPUs may come in between; the tests do. */
#ifndef BAN_STEP
#define BAN_STEP()
#endif

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
 * Multiply-shift of the address's words: the upper half is universal, for
 * whoever does not know the seed.
 */
static inline __u64 ban_hash(const struct ban_head *h, const struct addr *a)
{
	if (addr_is_v4(a)) /* the rest of it is always the same */
		return a->d[3] * h->seed[3];
	if (!a->q[1])
		return a->d[0] * h->seed[0] + a->d[1] * h->seed[1];
	return a->d[0] * h->seed[0] + a->d[1] * h->seed[1] +
	       a->d[2] * h->seed[2] + a->d[3] * h->seed[3];
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

/*
 * Where a slot is, as the functions say it: steps from the client's home line,
 * times BAN_WAYS, plus the way.
 */
#define BAN_POS_MAX (BAN_PROBE * BAN_WAYS)

/*
 * The line at `dist` steps from a home line. Each step is longer than the one
 * before, lest full lines grow together; a small table is searched in order.
 */
#define BAN_SMALL 128 /* lines: more than all steps together */

static inline __u32 ban_index_at(__u32 lines, __u32 home, __u32 dist)
{
	__u32 i = home + (lines < BAN_SMALL ? dist : dist * (dist + 1) / 2);

	return i > lines ? i - lines : i; /* round once, at most */
}

static inline __u32 ban_index(const struct ban_client *c, __u32 pos)
{
	return ban_index_at(c->lines, c->home, pos / BAN_WAYS);
}

static inline struct ban_line *
ban_line_of(struct ban_head *h, const struct ban_client *c, __u32 pos)
{
	return ban_line_at(h, ban_index(c, pos));
}

static inline struct ban_info *
ban_info_of(struct ban_head *h, const struct ban_client *c, __u32 pos)
{
	struct ban_infos *infos = ban_infos_at(h, ban_index(c, pos));

	return infos ? &infos->way[pos % BAN_WAYS] : NULL;
}

static inline bool ban_passed(const struct ban_line *l)
{
	return BAN_READ(l->count[0]) & BAN_PASS_MASK;
}

#define BAN_TRIES 4

/* Is the slot at `pos`, which was seen to expire at `e`, the client's? */
static inline bool ban_is_of(struct ban_head *h, const struct ban_client *c,
			     const struct ban_line *l, __u32 pos, __u32 e)
{
	__u32 w = pos % BAN_WAYS, was;
	const struct ban_info *i;

	if (BAN_READ(l->key[w]) != c->key)
		return false;
	if (!ban_key_is_hashed(c->key))
		return true;
	i = ban_info_of(h, c, pos);
	if (!i)
		return false;
	for (int n = 0; n < BAN_TRIES; n++) {
		if (BAN_READ(i->client.q[0]) != c->addr.q[0] ||
		    BAN_READ(i->client.q[1]) != c->addr.q[1])
			return false;
		BAN_STEP();
		was = e;
		e = BAN_READ(l->expires[w]);
		if (e == was)
			return BAN_READ(l->key[w]) == c->key;
		if (e <= BAN_CLAIMED)
			return false;
	}
	return true; /* made longer all the time, and so not given away */
}

/* What ban_search_line() says when the search ends with this line. */
#define BAN_NOT_HERE -1 /* nor anywhere else */
#define BAN_GO_ON -2

/* In the line of `pos`, from there on: a position, or one of these. */
BAN_FN int ban_search_line(struct ban_head *h, const struct ban_client *c,
			   __u32 pos, __u32 after)
{
	struct ban_line *l;

	if (!h || !c)
		return BAN_NOT_HERE;
	l = ban_line_of(h, c, pos);
	if (!l)
		return BAN_NOT_HERE;
	for (__u32 w = 0; w < BAN_WAYS; w++) {
		__u32 e;

		if (w < pos % BAN_WAYS || BAN_READ(l->key[w]) != c->key)
			continue;
		BAN_STEP();
		e = BAN_READ(l->expires[w]);
		BAN_STEP();
		if (e > after &&
		    ban_is_of(h, c, l, pos / BAN_WAYS * BAN_WAYS + w, e))
			return pos / BAN_WAYS * BAN_WAYS + w;
	}
	return ban_passed(l) ? BAN_GO_ON : BAN_NOT_HERE;
}

/*
 * The first slot of the client, from `pos` on, which expires after the tick
 * `after` (now, for a ban that holds; BAN_CLAIMED for any), or -ENOENT.
 */
BAN_FN int ban_search(struct ban_head *h, const struct ban_client *c, __u32 pos,
		      __u32 after)
{
	if (!h || !c)
		return -ENOENT;
	for (int i = 0; i < BAN_PROBE; i++) {
		int found;

		if (pos >= BAN_POS_MAX || pos / BAN_WAYS >= c->lines)
			break;
		found = ban_search_line(h, c, pos, after);
		if (found >= 0)
			return found;
		if (found == BAN_NOT_HERE)
			break;
		pos = (pos / BAN_WAYS + 1) * BAN_WAYS;
	}
	return -ENOENT;
}

/* One entry less lies behind these `n` lines. */
BAN_FN int ban_unpass(struct ban_head *h, __u32 home, __u32 n)
{
	if (!h)
		return 0;
	for (__u32 i = 0; i < BAN_PROBE; i++) {
		struct ban_line *l;

		if (i >= n)
			break;
		l = ban_line_at(h, ban_index_at(h->lines, home, i));
		if (l)
			__sync_fetch_and_sub(&l->count[0], BAN_PASS);
		BAN_STEP();
	}
	return 0;
}

/* Added to the way, or position, of a slot that has a former client. */
#define BAN_TAKEN BAN_POS_MAX

/* Claims a slot of a line, a free one only if there may be more. Or -1. */
BAN_FN int ban_claim_line(struct ban_head *h, __u32 line, __u32 now, int room)
{
	struct ban_line *l;

	if (!h)
		return -1;
	l = ban_line_at(h, line);
	if (!l)
		return -1;
	for (__u32 w = 0; w < BAN_WAYS; w++) {
		__u32 e = BAN_READ(l->expires[w]);

		if (e == BAN_CLAIMED || e > now || (e == BAN_FREE && !room))
			continue;
		BAN_STEP();
		if (BAN_SWAP(&l->expires[w], e, BAN_CLAIMED) == e)
			return e == BAN_FREE ? w : BAN_TAKEN + w;
	}
	return -1;
}

/* Claims a slot: its position. Or the complement of the lines passed in vain. */
BAN_FN int ban_claim(struct ban_head *h, const struct ban_client *c, __u32 now)
{
	__u32 dist;
	bool room;

	if (!h || !c)
		return ~0;
	room = __sync_fetch_and_add(&h->used, 1) < h->max;
	if (!room)
		__sync_fetch_and_sub(&h->used, 1);
	for (dist = 0; dist < BAN_PROBE; dist++) {
		struct ban_line *l;
		int w;

		if (dist >= c->lines)
			break;
		w = ban_claim_line(h, ban_index(c, dist * BAN_WAYS), now, room);
		if (w >= 0) {
			/* It takes the former one's place among `used`. */
			if (w >= BAN_TAKEN && room)
				__sync_fetch_and_sub(&h->used, 1);
			return dist * BAN_WAYS + w;
		}
		l = ban_line_of(h, c, dist * BAN_WAYS);
		if (!l || (BAN_READ(l->count[0]) & BAN_PASS_MASK) >=
				  BAN_PASSES_MAX * BAN_PASS)
			break;
		__sync_fetch_and_add(&l->count[0], BAN_PASS);
		BAN_STEP();
	}
	if (room)
		__sync_fetch_and_sub(&h->used, 1);
	return ~dist;
}

/* What the former client of a slot that is ours now has left in other lines. */
BAN_FN int ban_evict(struct ban_head *h, const struct ban_client *c, __u32 pos)
{
	__u32 line, home, n;
	struct ban_info *i;

	if (!h || !c)
		return 0;
	i = ban_info_of(h, c, pos);
	if (!i)
		return 0;
	line = ban_index(c, pos);
	home = ban_home(h, ban_hash(h, &i->client));
	for (n = 0; n < BAN_PROBE; n++)
		if (ban_index_at(h->lines, home, n) == line)
			break;
	if (n < BAN_PROBE)
		ban_unpass(h, home, n);
	return 0;
}

/*
 * Makes a slot ours: a free one, or one whose ban is past; nothing but the
 * latter when there are `max` already. Its position, or -E2BIG.
 */
static inline int ban_take(struct ban_head *h, const struct ban_client *c,
			   __u32 now)
{
	int pos = ban_claim(h, c, now);

	if (pos < 0) {
		ban_unpass(h, c->home, ~pos);
		return -E2BIG;
	}
	if (pos < BAN_TAKEN)
		return pos;
	pos -= BAN_TAKEN;
	ban_evict(h, c, pos);
	return pos;
}

/* Of a slot that is ours: fills it in and publishes it. */
BAN_FN int ban_publish(struct ban_head *h, const struct ban_client *c,
		       __u32 pos, const struct ban_entry *e)
{
	__u32 w = pos % BAN_WAYS;
	struct ban_line *l;
	struct ban_info *i;

	if (!h || !c || !e)
		return 0;
	l = ban_line_of(h, c, pos);
	i = ban_info_of(h, c, pos);
	if (!l || !i)
		return 0;
	BAN_WRITE(l->key[w], c->key);
	BAN_STEP();
	i->client = c->addr;
	i->packets = 0;
	i->bytes = 0;
	i->cause = e->cause;
	__sync_fetch_and_and(&l->count[w], BAN_PASS_MASK);
	__sync_fetch_and_or(&l->count[w], e->not_plain);
	BAN_STEP();
	BAN_SWAP(&l->expires[w], BAN_CLAIMED, e->expires);
	BAN_STEP();
	return 0;
}

/* Takes a slot that expires at `old` from its client. 0, or -EAGAIN. */
BAN_FN int ban_release(struct ban_head *h, const struct ban_client *c,
		       __u32 pos, __u32 old)
{
	__u32 w = pos % BAN_WAYS;
	struct ban_line *l;

	if (!h || !c)
		return -EAGAIN;
	l = ban_line_of(h, c, pos);
	if (!l || BAN_SWAP(&l->expires[w], old, BAN_CLAIMED) != old)
		return -EAGAIN;
	BAN_STEP();
	ban_unpass(h, c->home, pos / BAN_WAYS);
	__sync_fetch_and_and(&l->count[w], BAN_PASS_MASK);
	BAN_SWAP(&l->expires[w], BAN_CLAIMED, BAN_FREE);
	BAN_STEP();
	__sync_fetch_and_sub(&h->used, 1);
	return 0;
}

/* A ban that holds, until `old`, gets another end. 0, or -EAGAIN. */
static inline int ban_prolong(struct ban_head *h, const struct ban_client *c,
			      __u32 pos, __u32 old, const struct ban_entry *e)
{
	struct ban_line *l = ban_line_of(h, c, pos);
	struct ban_info *i = ban_info_of(h, c, pos);
	__u32 w = pos % BAN_WAYS;

	if (!l || !i)
		return -EAGAIN;
	if (e->mode == BAN_EXTEND && old >= e->expires)
		return 0;
	if (BAN_SWAP(&l->expires[w], old, e->expires) != old)
		return -EAGAIN;
	BAN_STEP();
	if (!ban_is_of(h, c, l, pos, e->expires)) {
		/* He went, and another came until the same tick: undo. */
		BAN_SWAP(&l->expires[w], e->expires, old);
		return -EAGAIN;
	}
	if (e->mode == BAN_EXTEND)
		return 0;
	i->cause = e->cause;
	if (e->not_plain)
		__sync_fetch_and_or(&l->count[w], BAN_NOT_PLAIN);
	else
		__sync_fetch_and_and(&l->count[w], ~BAN_NOT_PLAIN);
	return 0;
}

/* The slot at `pos`, which is the client's, becomes what is wanted. */
BAN_FN int ban_renew(struct ban_head *h, const struct ban_client *c, __u32 pos,
		     const struct ban_entry *e)
{
	struct ban_line *l;
	__u32 old;

	if (!h || !c || !e)
		return -EAGAIN;
	l = ban_line_of(h, c, pos);
	if (!l)
		return -EAGAIN;
	old = BAN_READ(l->expires[pos % BAN_WAYS]);
	BAN_STEP();
	if (old <= BAN_CLAIMED || !ban_is_of(h, c, l, pos, old))
		return -EAGAIN;
	if (old > e->now)
		return ban_prolong(h, c, pos, old, e);
	if (BAN_SWAP(&l->expires[pos % BAN_WAYS], old, BAN_CLAIMED) != old)
		return -EAGAIN;
	BAN_STEP();
	return ban_publish(h, c, pos, e);
}

/* When the client's slot at `pos` expires; 0 if it is not his any more. */
BAN_FN __u32 ban_expires(struct ban_head *h, const struct ban_client *c,
			 __u32 pos)
{
	struct ban_line *l;
	__u32 e;

	if (!h || !c)
		return 0;
	l = ban_line_of(h, c, pos);
	if (!l)
		return 0;
	e = BAN_READ(l->expires[pos % BAN_WAYS]);
	BAN_STEP();
	return e > BAN_CLAIMED && ban_is_of(h, c, l, pos, e) ? e : 0;
}

/* Changes when a slot expires, if it is as it was. */
BAN_FN int ban_change(struct ban_head *h, const struct ban_client *c, __u32 pos,
		      __u32 old, __u32 expires)
{
	struct ban_line *l;

	if (!h || !c)
		return -EAGAIN;
	l = ban_line_of(h, c, pos);
	if (!l || BAN_SWAP(&l->expires[pos % BAN_WAYS], old, expires) != old)
		return -EAGAIN;
	BAN_STEP();
	return 0;
}

/*
 * Other CPUs may have published the client as well. The last slot of all
 * stays, made to hold as long as any: a search that has gone past a slot does
 * not come back to it, so it must not miss both. True: the one at `pos`, which
 * is ours, was given up for one behind it.
 */
BAN_FN int ban_settle(struct ban_head *h, const struct ban_client *c, __u32 pos,
		      __u32 now)
{
	for (int i = 0; i < BAN_TRIES; i++) {
		__u32 mine = ban_expires(h, c, pos), e;
		int other;

		if (!mine)
			return false; /* unbanned */
		if (ban_search(h, c, pos + 1, now) >= 0) {
			if (!ban_release(h, c, pos, mine))
				return true;
			continue;
		}
		other = ban_search(h, c, 0, BAN_CLAIMED);
		if (other < 0 || (__u32)other >= pos)
			return false;
		e = ban_expires(h, c, other);
		if (e && (e <= mine || !ban_change(h, c, pos, mine, e)))
			ban_release(h, c, other, e);
	}
	return false;
}

/*
 * Bans a client until e->expires. -E2BIG when the table is full; -EAGAIN when
 * others were at the same slots all the time.
 */
static inline int ban_put(struct ban_head *h, const struct ban_client *c,
			  const struct ban_entry *e)
{
	for (int i = 0; i < BAN_TRIES; i++) {
		int pos = ban_search(h, c, 0, e->now);

		if (pos < 0)
			pos = ban_search(h, c, 0, BAN_CLAIMED);
		if (pos >= 0) {
			if (!ban_renew(h, c, pos, e))
				return 0;
			continue;
		}
		pos = ban_take(h, c, e->now);
		if (pos < 0)
			return -E2BIG;
		BAN_STEP();
		ban_publish(h, c, pos, e);
		if (!ban_settle(h, c, pos, e->now))
			return 0;
	}
	return -EAGAIN;
}

/*
 * Removes the bans of a client that end by `until`, a tick. How many. By user
 * space only: sensors never unban.
 */
static inline int ban_remove(struct ban_head *h, const struct ban_client *c,
			     __u32 until)
{
	int pos = -1, n = 0;

	while ((pos = ban_search(h, c, pos + 1, BAN_CLAIMED)) >= 0) {
		struct ban_line *l = ban_line_of(h, c, pos);
		__u32 e = BAN_READ(l->expires[pos % BAN_WAYS]);

		if (e > BAN_CLAIMED && e <= until && ban_is_of(h, c, l, pos, e))
			n += !ban_release(h, c, pos, e);
	}
	return n;
}

#endif

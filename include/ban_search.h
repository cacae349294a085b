/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is in the table of bans: the search, as programs and user space do it
 * while others change it. See ban_lines.h for what holds meanwhile.
 */
#ifndef SMTPXDP_BAN_SEARCH_H
#define SMTPXDP_BAN_SEARCH_H

#include "ban_lines.h"
#include "ban_order.h"
#include "bound.h"

/* The includer's. NULL for no such line, which cannot be. */
static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i);
static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i);

/* In programs, functions that the verifier looks at once. */
#ifndef BAN_FN
#define BAN_FN static inline
#endif

/*
 * Loops in programs. Kernel 6.1 refuses one whose last instruction is no jump
 * and stands before its first; where clang puts the blocks of a loop, nothing
 * in C can say. So short ones are unrolled, and the body of others is one call,
 * with the loop's condition behind it: a jump. Unrolled calls of functions that
 * call others are no way: kernels from 7.0 on look at each chain of calls, and
 * took 39 s of emulation instead of 2 for them.
 */
#ifdef __bpf__
#define BAN_UNROLL _Pragma("unroll")
#else
#define BAN_UNROLL
#endif
#define ban_times(i, n) BAN_UNROLL for (__u32 i = 0; i < (n); i++)

/*
 * Where a slot is, as the functions say it: steps from the client's home line,
 * times BAN_WAYS, plus the way.
 */
#define BAN_POS_MAX (BAN_PROBE * BAN_WAYS)

/*
 * The line at `dist` steps from a home line. Each step is longer than the one
 * before, lest full lines grow together; a small table is searched in order.
 */
#define BAN_SMALL 512 /* lines: more than all steps together */

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

	return infos ? &bound_pointer(infos)->way[pos % BAN_WAYS] : NULL;
}

static inline bool ban_passed(const struct ban_line *l)
{
	return BAN_READ(l->count[0]) & BAN_PASS_MASK;
}

#define BAN_TRIES 4

/*
 * Is the slot at `pos`, which was seen to expire at `e`, the client's? `l` is
 * its line, as BAN_LOAD() left it, so that the key is read after `e`.
 */
BAN_FN int ban_is_of(struct ban_head *h, const struct ban_client *c,
		     const struct ban_line *l, __u32 pos, __u32 e)
{
	__u32 w = pos % BAN_WAYS, was;
	const struct ban_info *i;

	if (!h || !c || !l)
		return false;
	if (BAN_READ(l->who[w]) != c->key)
		return false;
	if (!ban_key_is_hashed(c->key))
		return true;
	i = ban_info_of(h, c, pos);
	if (!i)
		return false;
	ban_times(n, BAN_TRIES) {
		ban_fence();
		if (BAN_READ(i->client.q[0]) != c->addr.q[0] ||
		    BAN_READ(i->client.q[1]) != c->addr.q[1])
			return false;
		ban_fence();
		BAN_STEP();
		was = e;
		e = BAN_LOAD(l, expires[w]);
		if (e == was)
			return BAN_READ(l->who[w]) == c->key;
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

	if (!h || !c || pos >= BAN_POS_MAX || pos / BAN_WAYS >= c->lines)
		return BAN_NOT_HERE;
	l = ban_line_of(h, c, pos);
	if (!l)
		return BAN_NOT_HERE;
	ban_times(w, BAN_WAYS) {
		__u32 e;

		if (w < pos % BAN_WAYS || BAN_LOAD(l, who[w]) != c->key)
			continue;
		BAN_STEP();
		e = BAN_LOAD(l, expires[w]);
		BAN_STEP();
		if (e <= after)
			continue;
		if (ban_is_of(h, c, l, pos / BAN_WAYS * BAN_WAYS + w, e))
			return pos / BAN_WAYS * BAN_WAYS + w;
		ban_fence();
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
	for (__u32 i = 0; i < BAN_PROBE; i++) {
		int found = ban_search_line(h, c, pos, after);

		ban_fence();
		if (found >= 0)
			return found;
		if (found == BAN_NOT_HERE)
			break;
		pos = (pos / BAN_WAYS + 1) * BAN_WAYS;
	}
	return -ENOENT;
}

/* A ban that was found. */
struct ban_found {
	struct ban_client client;
	struct ban_head *head;
	struct ban_line *line;
	__u32 pos;
	bool expired; /* there is one, but it has run out */
};

/* The line of f->client.addr, where ban_find() begins. */
static inline bool ban_find_line(struct ban_found *f)
{
	ban_client(f->head, &f->client);
	f->line = ban_line_at(f->head, f->client.home);
	f->expired = false;
	return f->line;
}

/*
 * Does a ban of the client hold? For the gate, which has no time to lose: his
 * own line tells, but for the few that had to go past it, and for keys that do
 * not tell whose they are.
 */
static inline __attribute__((always_inline)) bool ban_find(struct ban_found *f,
							   __u32 now)
{
	struct ban_line *l = f->line;
	int pos;

	ban_times(w, BAN_WAYS) {
		__u32 e;

		if (BAN_LOAD(l, who[w]) != f->client.key)
			continue;
		BAN_STEP();
		e = BAN_LOAD(l, expires[w]);
		BAN_STEP();
		f->expired |= e > BAN_CLAIMED && e <= now;
		if (e <= now || BAN_LOAD(l, who[w]) != f->client.key ||
		    ban_key_is_hashed(f->client.key))
			continue;
		f->pos = w;
		f->line = l;
		return true;
	}
	if (!ban_passed(l) && !ban_key_is_hashed(f->client.key))
		return false;
	pos = ban_search(f->head, &f->client, 0, now);
	if (pos < 0)
		return false;
	f->pos = pos;
	f->line = ban_line_of(f->head, &f->client, pos);
	return f->line;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Searching the table of bans, in BPF programs and in user space, while others
 * change it. ban_lines.h has the invariants.
 */
#ifndef SMTPXDP_BAN_SEARCH_H
#define SMTPXDP_BAN_SEARCH_H

#include "ban_lines.h"
#include "ban_order.h"
#include "bound.h"

/*
 * The includer defines these: line i of maps bans and ban_infos, or NULL, which
 * cannot happen for i <= lines; of bans also the lines of filters behind those.
 */
static inline struct ban_line *ban_line_at(struct ban_head *h, __u32 i);
static inline struct ban_infos *ban_infos_at(struct ban_head *h, __u32 i);

#include "ban_filter.h"

/* BPF programs make these functions global: the verifier checks them once. */
#ifndef BAN_FN
#define BAN_FN static inline
#endif

/*
 * Loops of BPF programs. Kernel 6.1 refuses a loop whose last instruction is no
 * jump and stands before its first, and C cannot say where clang puts the
 * blocks. So short loops are unrolled; the body of a longer one is a single
 * call, with the loop's condition, a jump, behind it. Calls of functions that
 * call others are not unrolled: kernels from 7.0 on verify each chain of calls
 * (39 s instead of 2, emulated).
 */
#ifdef __bpf__
#define BAN_UNROLL _Pragma("unroll")
#else
#define BAN_UNROLL
#endif
#define ban_times(i, n) BAN_UNROLL for (__u32 i = 0; i < (n); i++)

/*
 * Positions of slots run from 0 to BAN_POS_MAX - 1: steps from the client's
 * home line, times BAN_WAYS, plus the way.
 */
#define BAN_POS_MAX (BAN_PROBE * BAN_WAYS)

/*
 * The line `dist` steps from a home line. Steps grow, so that full lines do not
 * form long runs; a table of fewer than BAN_SMALL lines is searched in
 * sequence.
 */
#define BAN_SMALL 512 /* lines; all BAN_PROBE steps together are 496 */

static inline __u32 ban_index_at(__u32 lines, __u32 home, __u32 dist)
{
	__u32 i = home + (lines < BAN_SMALL ? dist : dist * (dist + 1) / 2);

	return i > lines ? i - lines : i; /* wraps around at most once */
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

/* Do entries lie beyond this line? */
static inline bool ban_passed(const struct ban_line *l)
{
	return BAN_READ(l->count[0]) & BAN_PASS_MASK;
}

/* tries against concurrent writers */
#define BAN_TRIES 4

/*
 * Does the slot at `pos`, read to expire at `e`, hold this client? `l` is its
 * line as BAN_LOAD() of `expires` left it, so that the key is read after `e`.
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
	return true; /* prolonged each time: its owner has not changed */
}

/* Results of ban_search_line() when the line has no match. */
#define BAN_NOT_HERE -1 /* no entry lies beyond this line */
#define BAN_GO_ON -2

/*
 * Searches the line of `pos`, from that slot on, for a slot of the client that
 * expires after the tick `after`. Its position, BAN_NOT_HERE or BAN_GO_ON.
 */
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
 * The position of the client's first slot, from `pos` on, that expires after
 * the tick `after` (now: a ban in force; BAN_CLAIMED: any ban), or -ENOENT.
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

/* A search by the gate, and its result. */
struct ban_found {
	struct ban_client client;
	struct ban_head *head;
	struct ban_line *line;
	__u32 pos;
	bool expired; /* an expired entry was seen */
};

/* Finds the home line of f->client.addr, by its ban_hash(). False: there is none. */
static inline bool ban_find_line(struct ban_found *f, __u64 hash)
{
	ban_client_at(f->head, &f->client, hash);
	f->line = ban_line_at(f->head, f->client.home);
	f->expired = false;
	return f->line;
}

/*
 * Is the client banned at tick `now`? Then f->line and f->pos say where. The
 * gate's fast path: the home line decides, unless entries lie beyond it or the
 * key is hashed.
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

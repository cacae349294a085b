/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing the table of bans: put and remove, for BPF programs and user space.
 * ban_lines.h has the invariants.
 */
#ifndef SMTPXDP_BAN_OPS_H
#define SMTPXDP_BAN_OPS_H

#include "ban_search.h"

/* One entry less lies beyond this line. */
BAN_FN int ban_unpass_line(struct ban_head *h, __u32 line)
{
	struct ban_line *l;

	if (!h)
		return 0;
	l = ban_line_at(h, line);
	if (l)
		BAN_ADD(&l->count[0], -BAN_PASS);
	BAN_STEP();
	return 0;
}

/* One entry less lies beyond each of the first `n` lines from `home`. */
BAN_FN int ban_unpass(struct ban_head *h, __u32 home, __u32 n)
{
	if (!h)
		return 0;
	for (__u32 i = 0; i < BAN_PROBE; i++) {
		if (i >= n)
			break;
		ban_unpass_line(h, ban_index_at(h->lines, home, i));
	}
	return 0;
}

/*
 * ban_claim_line() and ban_claim() add it to the way, or the position, of a
 * slot that held an expired ban.
 */
#define BAN_TAKEN BAN_POS_MAX

/* Results of ban_claim_line() when it claims no slot. */
#define BAN_PASSED -1
#define BAN_FULL -2 /* BAN_PASSES_MAX entries have gone past the line */

/*
 * Claims a slot of the line `dist` steps from home: one whose ban is past, or,
 * with `room`, a free one. Returns its way (+ BAN_TAKEN). If it finds none, it
 * counts a pass and returns BAN_PASSED, or BAN_FULL, which ends the search.
 */
BAN_FN int ban_claim_line(struct ban_head *h, const struct ban_client *c,
			  __u32 dist, __u32 now, int room)
{
	struct ban_line *l;

	if (!h || !c || dist >= c->lines)
		return BAN_FULL;
	l = ban_line_of(h, c, dist * BAN_WAYS);
	if (!l)
		return BAN_FULL;
	ban_times(w, BAN_WAYS) {
		__u32 e = BAN_READ(l->expires[w]);

		if (e == BAN_CLAIMED || e > now || (e == BAN_FREE && !room))
			continue;
		BAN_STEP();
		if (BAN_SWAP(&l->expires[w], e, BAN_CLAIMED) == e)
			return e == BAN_FREE ? w : BAN_TAKEN + w;
	}
	if ((BAN_READ(l->count[0]) & BAN_PASS_MASK) >=
	    BAN_PASSES_MAX * BAN_PASS)
		return BAN_FULL;
	BAN_ADD(&l->count[0], BAN_PASS);
	BAN_STEP();
	return BAN_PASSED;
}

/*
 * Claims a slot and returns its position (+ BAN_TAKEN), or ~n if there is none:
 * the passes of n lines are to be undone then.
 */
BAN_FN int ban_claim(struct ban_head *h, const struct ban_client *c, __u32 now)
{
	int way = BAN_FULL;
	__u32 passed = 0;
	bool room;

	if (!h || !c)
		return ~0;
	room = BAN_FETCH_ADD(&h->used, 1) < h->max;
	for (__u32 dist = 0; dist < BAN_PROBE; dist++) {
		way = ban_claim_line(h, c, dist, now, room);
		if (way != BAN_PASSED)
			break;
		passed++;
	}
	/* An expired ban's slot is among `used` already. */
	if (!room || way < 0 || way >= BAN_TAKEN)
		BAN_ADD(&h->used, -1);
	return way < 0 ? (int)~passed : (int)(passed * BAN_WAYS) + way;
}

/*
 * Lowers the passes that the expired ban of the slot at `pos` has left in the
 * lines before it. The caller has claimed the slot.
 */
BAN_FN int ban_evict(struct ban_head *h, const struct ban_client *c, __u32 pos)
{
	__u32 line, home;
	struct ban_info *i;

	if (!h || !c)
		return 0;
	i = ban_info_of(h, c, pos);
	if (!i)
		return 0;
	line = ban_index(c, pos);
	home = ban_home(h, ban_hash(h, &i->client));
	for (__u32 n = 0; n < BAN_PROBE; n++) {
		if (ban_index_at(h->lines, home, n) == line) {
			ban_unpass(h, home, n);
			break;
		}
	}
	return 0;
}

/*
 * Claims a slot, free or expired; only expired ones when `max` are in use.
 * Returns its position, or -E2BIG.
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

/*
 * Sets the client's bits in the filter in force and in one that is built. What it
 * returns says nothing: clang makes an atomic whose result nobody uses one that
 * is no barrier.
 */
BAN_FN int ban_filter_add(struct ban_head *h, const struct ban_client *c)
{
	struct ban_filter_place p;
	__u32 state;
	int set = 0;

	if (!h || !c)
		return 0;
	p = ban_filter_place(h, ban_hash(h, &c->addr));
	state = BAN_READ(h->filter_state);
	ban_times(i, 2) {
		__u64 *word;

		if (i == 1 && !(state & BAN_FILTER_BUILDING))
			break;
		word = ban_filter_word(h, &p, (state ^ i) & BAN_FILTER_SECOND);
		if (word && (BAN_READ(*word) & p.bits) != p.bits)
			set += !(BAN_FETCH_OR(word, p.bits) & p.bits);
		BAN_STEP();
	}
	return set;
}

/* Fills in and publishes a slot that the caller has claimed. */
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
	BAN_WRITE(l->who[w], c->key);
	BAN_STEP();
	BAN_WRITE(i->client.q[0], c->addr.q[0]);
	BAN_WRITE(i->client.q[1], c->addr.q[1]);
	i->packets = 0;
	i->bytes = 0;
	i->cause = e->cause;
	BAN_AND(&l->count[w], BAN_PASS_MASK);
	BAN_OR(&l->count[w], e->not_plain);
	BAN_ADD(&h->filter_keys, 1);
	BAN_STEP();
	ban_filter_add(h, c);
	BAN_SWAP(&l->expires[w], BAN_CLAIMED, e->expires);
	BAN_STEP();
	return 0;
}

/* Frees the client's slot that expires at `old`. 0; -EAGAIN: it was changed. */
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
	BAN_AND(&l->count[w], BAN_PASS_MASK);
	BAN_SWAP(&l->expires[w], BAN_CLAIMED, BAN_FREE);
	BAN_STEP();
	BAN_ADD(&h->used, -1);
	return 0;
}

/*
 * Moves the end of a ban in force from `old` to e->expires, as e->mode allows.
 * 0, or -EAGAIN: the slot was changed.
 */
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
		/* Another client came, banned until the same tick: undo. */
		BAN_SWAP(&l->expires[w], e->expires, old);
		return -EAGAIN;
	}
	if (e->mode == BAN_EXTEND)
		return 0;
	i->cause = e->cause;
	if (e->not_plain)
		BAN_OR(&l->count[w], BAN_NOT_PLAIN);
	else
		BAN_AND(&l->count[w], ~BAN_NOT_PLAIN);
	return 0;
}

/*
 * Rewrites the client's slot at `pos` as `e` says: a ban in force by
 * ban_prolong(), an expired one anew. 0, or -EAGAIN: it was changed.
 */
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
	old = BAN_LOAD(l, expires[pos % BAN_WAYS]);
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

/* When the slot at `pos` expires, in ticks; 0: it is not the client's. */
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
	e = BAN_LOAD(l, expires[pos % BAN_WAYS]);
	BAN_STEP();
	return e > BAN_CLAIMED && ban_is_of(h, c, l, pos, e) ? e : 0;
}

/* Changes a slot's `expires` from `old`. 0, or -EAGAIN: it was not `old`. */
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
 * Merges the slots that several CPUs have published for one client. The last
 * one stays, with the latest end: a search that has gone past a slot does not
 * come back, and so finds the last one. 0: done; 1: the caller's slot at `pos`
 * was given up for a later one; -EAGAIN: call again.
 */
BAN_FN int ban_settle(struct ban_head *h, const struct ban_client *c, __u32 pos,
		      __u32 now)
{
	__u32 mine, e;
	int other;

	if (!h || !c)
		return 0;
	mine = ban_expires(h, c, pos);
	if (!mine)
		return 0; /* unbanned meanwhile */
	if (ban_search(h, c, pos + 1, now) >= 0)
		return ban_release(h, c, pos, mine) ? -EAGAIN : 1;
	other = ban_search(h, c, 0, BAN_CLAIMED);
	if (other < 0 || (__u32)other >= pos)
		return 0;
	e = ban_expires(h, c, other);
	if (e && (e <= mine || !ban_change(h, c, pos, mine, e)))
		ban_release(h, c, other, e);
	return -EAGAIN;
}

/* One try of ban_put(). -EAGAIN: others wrote to the same slots. */
BAN_FN int ban_try(struct ban_head *h, const struct ban_client *c,
		   const struct ban_entry *e)
{
	int pos, settled = -EAGAIN;

	if (!h || !c || !e)
		return -EAGAIN;
	pos = ban_search(h, c, 0, e->now);
	if (pos < 0)
		pos = ban_search(h, c, 0, BAN_CLAIMED);
	if (pos >= 0)
		return ban_renew(h, c, pos, e);
	pos = ban_take(h, c, e->now);
	if (pos < 0)
		return -E2BIG;
	BAN_STEP();
	ban_publish(h, c, pos, e);
	for (__u32 i = 0; i < BAN_TRIES && settled == -EAGAIN; i++)
		settled = ban_settle(h, c, pos, e->now);
	return settled == 1 ? -EAGAIN : 0;
}

/*
 * Bans a client until e->expires. 0; -E2BIG: the table is full; -EAGAIN: others
 * wrote to the same slots in each of BAN_TRIES tries.
 */
static BAN_INLINE int ban_put(struct ban_head *h, const struct ban_client *c,
			      const struct ban_entry *e)
{
	int err = -EAGAIN;

	for (__u32 i = 0; i < BAN_TRIES && err == -EAGAIN; i++)
		err = ban_try(h, c, e);
	/* A filter may be built since the first look. */
	if (!err)
		ban_filter_add(h, c);
	return err;
}

/*
 * Removes the client's bans that end at tick `until` or before; returns how
 * many. User space only: the loop has no bound, and sensors never unban.
 */
static inline int ban_remove(struct ban_head *h, const struct ban_client *c,
			     __u32 until)
{
	int pos = -1, n = 0;

	while ((pos = ban_search(h, c, pos + 1, BAN_CLAIMED)) >= 0) {
		struct ban_line *l = ban_line_of(h, c, pos);
		__u32 e = BAN_LOAD(l, expires[pos % BAN_WAYS]);

		if (e > BAN_CLAIMED && e <= until && ban_is_of(h, c, l, pos, e))
			n += !ban_release(h, c, pos, e);
	}
	return n;
}

/* Is the filter in force to be built anew? See the error in ban_filter.h. */
static inline bool ban_filter_is_full(const struct ban_head *h)
{
	return h->filter_lines &&
	       BAN_READ(h->filter_keys) > h->max + h->max / 8;
}

/* Sets the bits of a slot's client, if it has one. Returns 1 then. */
static inline __u32 ban_filter_add_slot(struct ban_head *h, __u32 line,
					__u32 way, __u32 second)
{
	struct ban_line *l = ban_line_at(h, line);
	struct ban_info *i = &ban_infos_at(h, line)->way[way];
	struct ban_filter_place p;
	struct addr client;

	/* Whoever takes the slot from now on sees that a filter is built. */
	if (BAN_LOAD(l, expires[way]) <= BAN_CLAIMED)
		return 0;
	ban_fence();
	client.q[0] = BAN_READ(i->client.q[0]);
	client.q[1] = BAN_READ(i->client.q[1]);
	p = ban_filter_place(h, ban_hash(h, &client));
	BAN_OR(ban_filter_word(h, &p, second), p.bits);
	return 1;
}

/*
 * Builds the filter that is not in force from the table, and puts it in force.
 * User space only, under the writers' lock; sensors and the gate go on. Nobody may
 * read that filter any more: the caller has waited for an RCU grace period since
 * the last build.
 */
static inline void ban_filter_build(struct ban_head *h)
{
	__u32 was = BAN_READ(h->filter_state) & BAN_FILTER_SECOND;
	__u32 next = was ^ BAN_FILTER_SECOND, keys = 0;
	__u32 first = 1 + h->lines + (next ? h->filter_lines : 0);

	for (__u32 i = 0; i < h->filter_lines; i++)
		for (__u32 w = 0; w < BAN_FILTER_WORDS; w++)
			BAN_WRITE(((__u64 *)ban_line_at(h, first + i))[w], 0);
	BAN_WRITE(h->filter_keys, 0);
	/* Also out of a build whose process was killed. */
	BAN_SWAP(&h->filter_state, BAN_READ(h->filter_state),
		 was | BAN_FILTER_BUILDING);
	BAN_STEP();
	for (__u32 i = 1; i <= h->lines; i++) {
		for (__u32 w = 0; w < BAN_WAYS; w++)
			keys += ban_filter_add_slot(h, i, w, next);
		BAN_STEP();
	}
	BAN_ADD(&h->filter_keys, keys);
	BAN_SWAP(&h->filter_state, was | BAN_FILTER_BUILDING, next);
	BAN_STEP();
}

#endif

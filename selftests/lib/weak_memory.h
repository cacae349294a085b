/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory as weakly ordered CPUs have it, for include/ban_order.h, below the
 * CPUs of interleave.h. Stores become visible in one order to all (as on arm64
 * and riscv), but:
 *
 * - A load may give any value that was there since the last one that it has to
 *   follow: since this CPU's last fence, and since what was loaded through the
 *   same pointer by BAN_LOAD(). Never one older than what this CPU has seen
 *   there itself.
 * - A store, and an atomic that returns nothing, may wait until this CPU's next
 *   atomic that returns a value; which loads, and fences, as if on x86.
 *
 * So pointers must know what they have to follow: BAN_AFTER() gives one to
 * the same memory at another address, a view. Nothing can be read there but by
 * these functions: it is not mapped.
 */
#ifndef SELFTESTS_WEAK_MEMORY_H
#define SELFTESTS_WEAK_MEMORY_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/interleave.h"

#define WM_VIEWS 1024
#define WM_SIZE 4096 /* of the memory that there are views of, at most */
#define WM_WRITES 1024
#define WM_PLACES 128

enum wm_op { WM_SET, WM_ADD, WM_AND, WM_OR };

struct wm_write {
	void *at;
	size_t size;
	enum wm_op op;
	uint64_t value;
	uint64_t time;
};

struct wm_cpu {
	uint64_t fence; /* loads give nothing that is older */
	uint64_t seen; /* of all that it loaded, the latest */
	uint64_t last; /* what it loaded last */
	struct wm_write place[WM_PLACES]; /* and of each place */
	unsigned int places;
	struct wm_write waiting[WM_PLACES];
	unsigned int waits;
};

static struct {
	bool unordered; /* as if nobody had asked for an order */
	unsigned int delays; /* how often something is not as on x86, at most */
	char *memory, *views;
	/* Of each run: */
	unsigned int left;
	uint64_t now;
	uint64_t after[WM_VIEWS];
	unsigned int n_views;
	struct wm_write done[WM_WRITES];
	unsigned int n_done;
	struct wm_cpu cpu[CPUS_MAX];
} wm;

static inline void wm_start(void *memory)
{
	if (!wm.views)
		wm.views = mmap(NULL, WM_VIEWS * WM_SIZE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(wm.views, MAP_FAILED);
	wm.memory = memory;
	wm.left = wm.delays;
	wm.now = 0;
	wm.n_views = 1; /* the first one follows nothing */
	wm.n_done = 0;
	memset(wm.cpu, 0, sizeof(wm.cpu));
}

/* How this CPU sees an address of the memory. */
static inline void *wm_see(void *p)
{
	return il_running < 0 ? p : wm.views + ((char *)p - wm.memory);
}

static inline int wm_view_of(const void *p)
{
	size_t off = (const char *)p - wm.views;

	return off < WM_VIEWS * WM_SIZE ? (int)(off / WM_SIZE) : -1;
}

static inline void *wm_place(const void *p)
{
	size_t off = (const char *)p - wm.views;

	return wm_view_of(p) < 0 ? (void *)p : wm.memory + off % WM_SIZE;
}

static inline uint64_t wm_get(const void *place, size_t size)
{
	return size == 4 ? *(const uint32_t *)place : *(const uint64_t *)place;
}

static inline void wm_set(void *place, size_t size, uint64_t v)
{
	if (size == 4)
		*(uint32_t *)place = v;
	else
		*(uint64_t *)place = v;
}

static inline uint64_t wm_apply(enum wm_op op, uint64_t old, uint64_t v)
{
	switch (op) {
	case WM_ADD:
		return old + v;
	case WM_AND:
		return old & v;
	case WM_OR:
		return old | v;
	default:
		return v;
	}
}

/* NULL: no interleaving */
static inline struct wm_cpu *wm_running(void)
{
	return il_running < 0 ? NULL : &wm.cpu[il_running];
}

/* When the CPU knew a place last; it goes on from there. */
static inline uint64_t *wm_known(struct wm_cpu *c, void *place)
{
	for (unsigned int i = 0; i < c->places; i++)
		if (c->place[i].at == place)
			return &c->place[i].time;
	assert_true(c->places < WM_PLACES);
	c->place[c->places] = (struct wm_write){ .at = place };
	return &c->place[c->places++].time;
}

static inline void wm_record(void *place, uint64_t value, uint64_t time)
{
	assert_true(wm.n_done < WM_WRITES);
	wm.done[wm.n_done++] =
		(struct wm_write){ .at = place, .value = value, .time = time };
}

/* Now everybody can see it. */
static inline void wm_do(struct wm_cpu *c, const struct wm_write *w)
{
	uint64_t old = wm_get(w->at, w->size), v;
	unsigned int i;

	v = wm_apply(w->op, old, w->value);
	for (i = 0; i < wm.n_done; i++)
		if (wm.done[i].at == w->at)
			break;
	if (i == wm.n_done)
		wm_record(w->at, old, 0);
	wm_record(w->at, v, ++wm.now);
	wm_set(w->at, w->size, v);
	*wm_known(c, w->at) = wm.now;
}

static inline void wm_do_waiting(struct wm_cpu *c)
{
	for (unsigned int i = 0; i < c->waits; i++)
		wm_do(c, &c->waiting[i]);
	c->waits = 0;
}

/* The CPU has nothing more to do. */
static inline void wm_end(void)
{
	if (il_running >= 0)
		wm_do_waiting(&wm.cpu[il_running]);
}

static inline bool wm_waits(const struct wm_cpu *c, const void *place)
{
	for (unsigned int i = 0; i < c->waits; i++)
		if (c->waiting[i].at == place)
			return true;
	return false;
}

static inline bool wm_delay(unsigned int n, unsigned int *pick)
{
	*pick = wm.left ? il_choose(n) : 0;
	wm.left -= !!*pick;
	return *pick;
}

static inline void wm_change(void *p, size_t size, enum wm_op op, uint64_t v)
{
	struct wm_write w = { wm_place(p), size, op, v, 0 };
	struct wm_cpu *c = wm_running();
	unsigned int pick;

	if (il_running < 0) {
		wm_set(p, size, wm_apply(op, wm_get(p, size), v));
	} else if (wm_waits(c, w.at) || wm_delay(2, &pick)) {
		assert_true(c->waits < WM_PLACES);
		c->waiting[c->waits++] = w;
	} else {
		wm_do(c, &w);
	}
}

/* What a CPU sees that has changed the place itself, and nobody knows it. */
static inline uint64_t wm_own(const struct wm_cpu *c, const void *place,
			      size_t size)
{
	uint64_t v = wm_get(place, size);

	for (unsigned int i = 0; i < c->waits; i++)
		if (c->waiting[i].at == place)
			v = wm_apply(c->waiting[i].op, v, c->waiting[i].value);
	return v;
}

static inline uint64_t wm_load(const void *p, size_t size)
{
	struct wm_cpu *c = wm_running();
	const struct wm_write *can[WM_WRITES];
	void *place = wm_place(p);
	uint64_t since, *known;
	unsigned int n = 0, pick;
	int view;

	if (il_running < 0)
		return wm_get(p, size);
	if (wm_waits(c, place))
		return wm_own(c, place, size);
	known = wm_known(c, place);
	view = wm_view_of(p);
	since = c->fence > *known ? c->fence : *known;
	if (view > 0 && wm.after[view] > since)
		since = wm.after[view];
	for (unsigned int i = wm.n_done;
	     i-- && (!n || can[n - 1]->time > since);)
		if (wm.done[i].at == place)
			can[n++] = &wm.done[i];
	if (!n) {
		c->last = 0;
		return wm_get(place, size);
	}
	wm_delay(n, &pick);
	*known = c->last = can[pick]->time;
	if (c->seen < c->last)
		c->seen = c->last;
	return can[pick]->value;
}

static inline void *wm_after(void *p)
{
	struct wm_cpu *c = wm_running();
	int view = wm_view_of(p);
	uint64_t after;

	if (il_running < 0 || wm.unordered)
		return p;
	assert_true(view >= 0 && wm.n_views < WM_VIEWS);
	after = view ? wm.after[view] : 0;
	wm.after[wm.n_views] = after > c->last ? after : c->last;
	return (char *)p + (wm.n_views++ - view) * WM_SIZE;
}

static inline void wm_fence(void)
{
	if (il_running >= 0 && !wm.unordered &&
	    wm.cpu[il_running].fence < wm.cpu[il_running].seen)
		wm.cpu[il_running].fence = wm.cpu[il_running].seen;
}

/* An atomic that returns a value: what it found. */
static inline uint64_t wm_atomic(void *p, size_t size, enum wm_op op,
				 uint64_t v, const uint64_t *expected)
{
	struct wm_write w = { wm_place(p), size, op, v, 0 };
	struct wm_cpu *c = wm_running();
	uint64_t old;

	if (il_running < 0) {
		old = wm_get(p, size);
		if (!expected || old == *expected)
			wm_set(p, size, wm_apply(op, old, v));
		return old;
	}
	wm_do_waiting(c);
	old = wm_get(w.at, size);
	if (!expected || old == *expected)
		wm_do(c, &w);
	c->fence = c->seen = wm.now;
	return old;
}

#define BAN_STEP() interrupt()
#define BAN_READ(x) ((__typeof__(x))wm_load(&(x), sizeof(x)))
#define BAN_WRITE(x, v) wm_change(&(x), sizeof(x), WM_SET, v)
/* Functions, since some do not want what they return. */
static inline uint64_t wm_swap(void *p, size_t size, uint64_t old, uint64_t v)
{
	return wm_atomic(p, size, WM_SET, v, &old);
}

static inline uint64_t wm_fetch_add(void *p, size_t size, uint64_t v)
{
	return wm_atomic(p, size, WM_ADD, v, NULL);
}

static inline uint64_t wm_fetch_or(void *p, size_t size, uint64_t v)
{
	return wm_atomic(p, size, WM_OR, v, NULL);
}

#define BAN_SWAP(p, old, v) wm_swap(p, sizeof(*(p)), old, v)
#define BAN_FETCH_ADD(p, n) wm_fetch_add(p, sizeof(*(p)), n)
#define BAN_FETCH_OR(p, n) wm_fetch_or(p, sizeof(*(p)), n)
#define BAN_ADD(p, n) wm_change(p, sizeof(*(p)), WM_ADD, n)
#define BAN_AND(p, n) wm_change(p, sizeof(*(p)), WM_AND, n)
#define BAN_OR(p, n) wm_change(p, sizeof(*(p)), WM_OR, n)
#define BAN_AFTER(p, v) ((void)(v), (__typeof__(p))wm_after((void *)(p)))
#define ban_fence() wm_fence()

#endif

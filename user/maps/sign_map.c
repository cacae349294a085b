// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/sign_map.h"

#include <bpf/bpf.h>

#include "base/address.h"
#include "sys/processes.h"

#define ELSEWHERE_MAX 256 /* as the map */

bool sign_is_recent(const struct sign *s, uint64_t now)
{
	return s->last && now < s->last + SIGN_PAUSE_SEC * SIGN_NSEC;
}

bool sign_last(const struct pins *p, enum sign_kind kind, struct sign *s)
{
	__u32 key = kind;

	return !bpf_map_lookup_elem(p->map[MAP_SIGNS], &key, s) && s->last;
}

bool sign_read(const struct pins *p, enum sign_kind kind, uint64_t now,
	       struct sign *s)
{
	return sign_last(p, kind, s) && sign_is_recent(s, now);
}

void sign_forget_passes(const struct pins *p)
{
	__u32 key = SIGN_PASSES, *prev = NULL;
	struct sign none = {};
	struct elsewhere e;

	bpf_map_update_elem(p->map[MAP_SIGNS], &key, &none, BPF_EXIST);
	for (; !bpf_map_get_next_key(p->map[MAP_ELSEWHERE], prev, &key);
	     prev = &key) {
		if (bpf_map_lookup_elem(p->map[MAP_ELSEWHERE], &key, &e))
			continue;
		e.passes = none;
		bpf_map_update_elem(p->map[MAP_ELSEWHERE], &key, &e, BPF_EXIST);
	}
}

bool exempt_find(const struct pins *p, const struct net *host, struct exempt *e)
{
	return !bpf_map_lookup_elem(p->map[MAP_EXEMPT], host->addr, e);
}

void exempt_each(const struct pins *p, exempt_fn fn, void *ctx)
{
	struct addr key, *prev = NULL;
	struct exempt e;

	while (!bpf_map_get_next_key(p->map[MAP_EXEMPT], prev, &key)) {
		if (!bpf_map_lookup_elem(p->map[MAP_EXEMPT], &key, &e)) {
			struct net host = net_of(&key, ADDR_BITS);

			fn(&host, &e, ctx);
		}
		prev = &key;
	}
}

void arrivals_each(const struct pins *p, arrival_fn fn, void *ctx)
{
	__u32 key, *prev = NULL;
	struct sign s;

	while (!bpf_map_get_next_key(p->map[MAP_ARRIVALS], prev, &key)) {
		if (!bpf_map_lookup_elem(p->map[MAP_ARRIVALS], &key, &s))
			fn(key, &s, ctx);
		prev = &key;
	}
}

struct candidate {
	__u32 netns;
	uint64_t began; /* its first process that is visible here; 0: none */
	struct elsewhere e;
};

/* Finds the first process of each namespace. */
struct candidates {
	struct candidate *list;
	size_t n;
};

static int find_first(pid_t pid, void *ctx)
{
	const struct candidates *c = ctx;
	ino_t ns = process_ns(pid, "net");
	uint64_t began;

	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].netns != ns)
			continue;
		began = process_began(pid);
		if (began && (!c->list[i].began || began < c->list[i].began))
			c->list[i].began = began;
	}
	return 0;
}

/*
 * A new namespace gets the inode of one that is gone: what was before its
 * processes is none of its.
 */
static void leave_out_earlier(struct sign *s, uint64_t began)
{
	if (s->last < began)
		*s = (struct sign){};
}

static size_t list_recent(const struct pins *p, uint64_t now,
			  struct candidate list[static ELSEWHERE_MAX])
{
	__u32 key, *prev = NULL;
	struct elsewhere e;
	size_t n = 0;

	while (n < ELSEWHERE_MAX &&
	       !bpf_map_get_next_key(p->map[MAP_ELSEWHERE], prev, &key)) {
		prev = &key;
		if (!bpf_map_lookup_elem(p->map[MAP_ELSEWHERE], &key, &e) &&
		    (sign_is_recent(&e.passes, now) ||
		     sign_is_recent(&e.unwatched, now)))
			list[n++] = (struct candidate){ .netns = key, .e = e };
	}
	return n;
}

void elsewhere_each(const struct pins *p, uint64_t now, elsewhere_fn fn,
		    void *ctx)
{
	struct candidate list[ELSEWHERE_MAX];
	size_t n = list_recent(p, now, list);

	if (n)
		processes_each(find_first, &(struct candidates){ list, n });
	for (size_t i = 0; i < n; i++) {
		if (!list[i].began)
			continue;
		leave_out_earlier(&list[i].e.passes, list[i].began);
		leave_out_earlier(&list[i].e.unwatched, list[i].began);
		fn(&list[i].e, ctx);
	}
}

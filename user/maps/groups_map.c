// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/groups_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "maps/settings_map.h"

#define BATCH 4096

struct batch {
	struct net key[BATCH];
	struct group_entry value[BATCH];
};

int groups_map_fd(const struct pins *p, __u32 which)
{
	return p->map[which == 1 ? MAP_GROUPS_A : MAP_GROUPS_B];
}

/* After an upgrade the settings are new, and only map groups names the map. */
__u32 groups_map_active(const struct pins *p)
{
	__u32 which = settings_now(p)->groups;
	struct groups *g;

	if (which)
		return which;
	g = groups_in_force(p);
	which = g ? g->active : 0;
	free(g);
	return which;
}

int groups_map_each(int fd, groups_map_fn fn, void *ctx)
{
	struct batch *b = malloc(sizeof(*b));
	struct net in, out;
	int err = b ? 0 : -ENOMEM, last = 0;

	for (void *from = NULL; !err && !last; from = &in) {
		__u32 n = BATCH;

		if (bpf_map_lookup_batch(fd, from, &out, b->key, b->value, &n,
					 NULL)) {
			last = errno == ENOENT;
			if (!last)
				err = -errno;
		}
		for (__u32 i = 0; i < n && !err; i++)
			err = fn(&b->key[i], &b->value[i], ctx);
		in = out;
	}
	free(b);
	return err;
}

int groups_map_clear(int fd)
{
	struct batch *b = malloc(sizeof(*b));
	int err = b ? 0 : -ENOMEM, last = 0;
	struct net out;

	while (!err && !last) {
		__u32 n = BATCH;

		if (bpf_map_lookup_batch(fd, NULL, &out, b->key, b->value, &n,
					 NULL)) {
			last = errno == ENOENT;
			if (!last)
				err = -errno;
		}
		if (!err && n && bpf_map_delete_batch(fd, b->key, &n, NULL))
			err = -errno;
	}
	free(b);
	return err;
}

int groups_map_fill(int fd, const struct group_net *nets, size_t count,
		    groups_map_done_fn progress, void *ctx)
{
	struct batch *b = malloc(sizeof(*b));
	int err = b ? 0 : -ENOMEM;

	for (size_t done = 0; !err && done < count;) {
		__u32 n = 0;

		for (; n < BATCH && done < count; n++, done++) {
			const struct group_net *g = &nets[done];

			b->key[n] = g->net;
			b->value[n] = (struct group_entry){
				.group = g->group,
				.len = g->len,
				.source = g->source,
				.asn = g->asn,
			};
		}
		if (bpf_map_update_batch(fd, b->key, b->value, &n, NULL))
			err = -errno;
		progress(done, ctx);
	}
	free(b);
	return err;
}

int groups_map_write(const struct pins *p, const struct groups *g)
{
	__u32 zero = 0;

	return bpf_map_update_elem(p->map[MAP_GROUPS], &zero, g, BPF_ANY) ?
		       -errno :
		       0;
}

struct groups *groups_in_force(const struct pins *p)
{
	struct groups *g = malloc(sizeof(*g));
	__u32 zero = 0;

	if (!g || bpf_map_lookup_elem(p->map[MAP_GROUPS], &zero, g) ||
	    g->n > GROUP_SOURCES_MAX) {
		free(g);
		return NULL;
	}
	for (__u32 i = 0; i < g->n; i++)
		g->source[i].name[GROUP_NAME_SIZE - 1] = '\0';
	return g;
}

bool groups_find(const struct pins *p, const struct net *net,
		 struct group_entry *e)
{
	__u32 which = settings_now(p)->groups;
	struct net key = *net;

	key.len = ADDR_BITS;
	return which && !bpf_map_lookup_elem(groups_map_fd(p, which), &key, e);
}

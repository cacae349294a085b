// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/allow_map.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/address.h"
#include "base/array.h"

/* fn may remove the entry: so the next key is fetched before the call. */
int allow_map_each(const struct pins *p, allow_map_fn fn, void *ctx)
{
	int fd = p->map[MAP_ALLOW_NETS], err = 0, more;
	struct net key, next;
	struct allow allow;

	more = !bpf_map_get_next_key(fd, NULL, &key);
	while (more && !err) {
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &allow))
			err = fn(&key, allow.flags, ctx);
		key = next;
	}
	return err;
}

struct list {
	struct net *nets;
	size_t n, room;
};

static int list_net(const struct net *net, __u32 flags, void *ctx)
{
	struct list *l = ctx;
	int err = array_grow(&l->nets, &l->room, l->n + 1, sizeof(*l->nets));

	if (!err)
		l->nets[l->n++] = *net;
	return err;
}

int allow_map_nets(const struct pins *p, struct net **nets, size_t *n)
{
	struct list l = {};
	int err = allow_map_each(p, list_net, &l);

	*nets = l.nets;
	*n = l.n;
	return err;
}

/* A lookup alone would find an entry around the network, too. */
__u32 allow_map_get(const struct pins *p, const struct net *net)
{
	struct net key, *prev = NULL;

	while (!bpf_map_get_next_key(p->map[MAP_ALLOW_NETS], prev, &key)) {
		if (net_equal(&key, net))
			return allow_map_around(p, net);
		prev = &key;
	}
	return 0;
}

__u32 allow_map_around(const struct pins *p, const struct net *net)
{
	struct allow allow;

	return bpf_map_lookup_elem(p->map[MAP_ALLOW_NETS], net, &allow) ?
		       0 :
		       allow.flags;
}

int allow_map_put(struct pins *p, const struct net *net, __u32 flags)
{
	struct allow allow = { .flags = flags };
	int fd = p->map[MAP_ALLOW_NETS], err;

	changes_note(&p->changes, CHANGE_ALLOW, net);
	err = flags ? bpf_map_update_elem(fd, net, &allow, BPF_ANY) :
		      bpf_map_delete_elem(fd, net);
	return err ? -errno : 0;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/group_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"

int group_list_add(struct group_list *l, const struct group_net *net)
{
	int err = array_grow(&l->nets, &l->room, l->n + 1, sizeof(*l->nets));

	if (!err)
		l->nets[l->n++] = *net;
	return err;
}

/* By first address, the widest first; of one network, what counts first. */
static int compare(const void *a, const void *b)
{
	const struct group_net *x = a, *y = b;
	int diff = memcmp(x->net.addr, y->net.addr, sizeof(x->net.addr));

	if (!diff)
		diff = (int)x->net.len - (int)y->net.len;
	if (!diff)
		diff = (int)y->kind - (int)x->kind;
	return diff ? diff : (int)y->group - (int)x->group;
}

void group_list_finish(struct group_list *l)
{
	/* By kind: the widest network that contains the current one, if any. */
	struct net around[SOURCES_MAX];
	bool known[SOURCES_MAX] = {};
	size_t n = 0;

	if (l->n)
		qsort(l->nets, l->n, sizeof(*l->nets), compare);
	for (size_t i = 0; i < l->n; i++) {
		const struct group_net *g = &l->nets[i];
		bool counts = !n || !net_equal(&l->nets[n - 1].net, &g->net);

		for (int k = g->kind + 1; counts && k < SOURCES_MAX; k++)
			counts =
				!known[k] || !net_contains(&around[k], &g->net);
		if (!counts)
			continue;
		if (!known[g->kind] || !net_contains(&around[g->kind], &g->net))
			around[g->kind] = g->net;
		known[g->kind] = true;
		l->nets[n++] = *g;
	}
	l->n = n;
}

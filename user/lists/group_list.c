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

/*
 * By first address, the widest first; of one network, what counts first, and its
 * AS of rated-asns behind that.
 */
static int compare(const void *a, const void *b)
{
	const struct group_net *x = a, *y = b;
	int diff = memcmp(x->net.addr, y->net.addr, sizeof(x->net.addr));

	if (!diff)
		diff = (int)x->net.len - (int)y->net.len;
	if (!diff)
		diff = (x->group == GROUP_RATED) - (y->group == GROUP_RATED);
	if (!diff)
		diff = (int)y->kind - (int)x->kind;
	return diff ? diff : (int)y->group - (int)x->group;
}

/* The networks kept, of which the last one and those around it are open. */
struct keeping {
	struct group_net *nets;
	size_t n;
	size_t open[ADDR_BITS + 1];
	size_t depth;
	/* by kind: the widest network that contains the current one, if any */
	struct net around[SOURCES_MAX];
	bool known[SOURCES_MAX];
};

/* Does the network count for its group, beside those that are kept? */
static bool counts(struct keeping *k, const struct group_net *g)
{
	bool yes = !k->n || !net_equal(&k->nets[k->n - 1].net, &g->net);

	for (int i = g->kind + 1; yes && i < SOURCES_MAX; i++)
		yes = !k->known[i] || !net_contains(&k->around[i], &g->net);
	if (!yes)
		return false;
	if (!k->known[g->kind] || !net_contains(&k->around[g->kind], &g->net))
		k->around[g->kind] = g->net;
	k->known[g->kind] = true;
	return true;
}

/* The kept network around this one, or NULL. */
static const struct group_net *parent(struct keeping *k, const struct net *net)
{
	while (k->depth &&
	       !net_contains(&k->nets[k->open[k->depth - 1]].net, net))
		k->depth--;
	return k->depth ? &k->nets[k->open[k->depth - 1]] : NULL;
}

static void keep(struct keeping *k, const struct group_net *g)
{
	const struct group_net *up = parent(k, &g->net);
	struct group_net new = up ? *up : (struct group_net){};

	if (up && net_equal(&up->net, &g->net)) { /* g is rated, up is not */
		k->nets[k->n - 1].asn = g->asn;
		return;
	}
	new.net = g->net;
	if (g->group == GROUP_RATED) {
		new.asn = g->asn;
	} else {
		new.kind = g->kind;
		new.group = g->group;
		new.source = g->source;
		new.len = g->net.len;
	}
	k->open[k->depth++] = k->n;
	k->nets[k->n++] = new;
}

void group_list_finish(struct group_list *l)
{
	struct keeping k = { .nets = l->nets };

	if (l->n)
		qsort(l->nets, l->n, sizeof(*l->nets), compare);
	for (size_t i = 0; i < l->n; i++) {
		struct group_net g = l->nets[i];

		if (g.group == GROUP_RATED || counts(&k, &g))
			keep(&k, &g);
	}
	l->n = k.n;
}

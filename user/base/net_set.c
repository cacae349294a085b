// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/net_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"

/* By first address; of networks with the same one, the widest first. */
static int compare(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int diff = memcmp(x->addr, y->addr, sizeof(x->addr));

	if (diff)
		return diff;
	return x->len < y->len ? -1 : x->len > y->len;
}

void net_set_init(struct net_set *s, struct net *nets, size_t n)
{
	s->nets = nets;
	s->n = 0;
	if (n)
		qsort(nets, n, sizeof(*nets), compare);
	for (size_t i = 0; i < n; i++)
		if (!s->n || !net_contains(&nets[s->n - 1], &nets[i]))
			nets[s->n++] = nets[i];
}

void net_set_free(struct net_set *s)
{
	free(s->nets);
	s->nets = NULL;
	s->n = 0;
}

/* How many of the set's networks do not begin behind this one. */
static size_t not_behind(const struct net_set *s, const struct net *net)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&s->nets[mid], net) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The set's networks do not overlap each other, so only two can overlap with
 * this one: the last that does not begin behind it, and its successor.
 */
bool net_set_contains(const struct net_set *s, const struct net *net)
{
	size_t n = not_behind(s, net);

	return n && net_contains(&s->nets[n - 1], net);
}

bool net_set_overlaps(const struct net_set *s, const struct net *net)
{
	size_t n = not_behind(s, net);

	return (n && net_contains(&s->nets[n - 1], net)) ||
	       (n < s->n && net_contains(net, &s->nets[n]));
}

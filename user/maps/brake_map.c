// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/brake_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/address.h"
#include "maps/settings_map.h"
#include "pure/window.h"

int brake_read(const struct pins *p, struct brake *b)
{
	return bpf_map_lookup_elem(p->map[MAP_BRAKE], &(__u32){ 0 }, b) ?
		       -errno :
		       0;
}

struct net brake_block(uint64_t net)
{
	struct addr block;

	brake_net_block(net, &block);
	return net_of(&block, net_block_len(&block));
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The networks of clients banned within the last minute, in `nets`. */
static uint32_t list_recent(const struct brake *b, const struct settings *s,
			    uint32_t tick, uint64_t nets[static BRAKE_MAX])
{
	uint32_t slots = b->head < BRAKE_MAX ? b->head : BRAKE_MAX, n = 0;

	for (uint32_t i = 0; i < slots; i++)
		if (b->net[i] &&
		    window_age_fits(b->tick[i], tick, s->brake.ticks))
			nets[n++] = b->net[i];
	return n;
}

uint32_t brake_most(const struct pins *p, const struct brake *b,
		    uint64_t jiffies, struct net *net)
{
	const struct settings *s = settings_now(p);
	uint32_t tick = window_tick(jiffies, s->tick_shift);
	uint32_t n, run = 0, most = 0;
	uint64_t nets[BRAKE_MAX];

	n = list_recent(b, s, tick, nets);
	qsort(nets, n, sizeof(*nets), by_value);
	for (uint32_t i = 0; i < n; i++) {
		run = i && nets[i] == nets[i - 1] ? run + 1 : 1;
		if (run <= most)
			continue;
		most = run;
		*net = brake_block(nets[i]);
	}
	return most;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "apply.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "address.h"
#include "allowlist.h"
#include "banlist.h"
#include "settings_map.h"

struct rehome {
	struct pins *p;
	struct settings *next;
	int from; /* map to remove them from, or -1: copy them */
};

/* An exact ban whose length is not a client's any more: nobody looks it up. */
static int rehome_one(const struct ban_row *row, void *ctx)
{
	struct rehome *r = ctx;
	struct addr key = net_addr(&row->net);
	struct ban same;

	if (row->net.len == r->next->client_len[!net_is_v4(&row->net)] ||
	    bpf_map_lookup_elem(r->p->map[MAP_BANS], &key, &same))
		return 0;
	if (r->from == r->p->map[MAP_BANS])
		bpf_map_delete_elem(r->from, &key);
	else if (r->from >= 0)
		bpf_map_delete_elem(r->from, &row->net);
	else if (bpf_map_update_elem(r->p->map[MAP_BAN_NETS], &row->net,
				     &row->ban, BPF_ANY))
		return errno == ENOSPC ? -E2BIG : -errno;
	return 0;
}

static int rehome(struct rehome *r, int from)
{
	r->from = from;
	return banlist_each(r->p, rehome_one, r);
}

static bool prefixes_change(const struct pins *p, const struct settings *next)
{
	const struct settings *now = settings_now(p);

	return now->client_len[0] != next->client_len[0] ||
	       now->client_len[1] != next->client_len[1];
}

int config_apply(struct pins *p, const struct config *c)
{
	struct rehome r = { .p = p, .next = malloc(sizeof(*r.next)) };
	bool moves;
	int err = 0;

	if (!r.next)
		return -ENOMEM;
	config_compile(c, clock_hz(), r.next);
	moves = prefixes_change(p, r.next);
	if (moves) {
		err = rehome(&r, -1);
		if (!err)
			err = settings_note_lists(p);
	}
	if (!err)
		err = settings_publish(p, c);
	/* Either way, they are to be in one of the maps only. */
	if (moves)
		rehome(&r, p->map[err ? MAP_BAN_NETS : MAP_BANS]);
	free(r.next);
	return err ? err : allowlist_sync_config(p, c);
}

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
	bool remove;
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
	if (r->remove)
		bpf_map_delete_elem(r->p->map[MAP_BANS], &key);
	else if (bpf_map_update_elem(r->p->map[MAP_BAN_NETS], &row->net,
				     &row->ban, BPF_ANY))
		return errno == ENOSPC ? -E2BIG : -errno;
	return 0;
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
	bool rehome;
	int err = 0;

	if (!r.next)
		return -ENOMEM;
	config_compile(c, clock_hz(), r.next);
	rehome = prefixes_change(p, r.next);
	if (rehome) {
		err = banlist_each(p, rehome_one, &r);
		if (!err)
			err = settings_note_lists(p);
	}
	if (!err)
		err = settings_publish(p, c);
	if (!err && rehome) {
		r.remove = true;
		err = banlist_each(p, rehome_one, &r);
	}
	free(r.next);
	return err ? err : allowlist_sync_config(p, c);
}

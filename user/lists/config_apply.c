// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/config_apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "lists/allow_names.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "maps/settings_map.h"
#include "pure/who.h"

enum rehome_step { COPY_TO_NETS, REMOVE_CLIENTS, REMOVE_NETS };

struct rehome {
	struct pins *p;
	struct settings *next;
	enum rehome_step step;
};

/*
 * Moves a ban of map bans whose length will not be a client's any more: the
 * gate would not look it up there.
 */
static int rehome_one(const struct ban_row *row, void *ctx)
{
	struct rehome *r = ctx;
	struct addr a = net_addr(&row->net);

	if ((int)row->net.len == who_client_len(r->next, &a))
		return 0;
	if (r->step == REMOVE_CLIENTS)
		banlist_remove_client(r->p, &row->net);
	else if (r->step == REMOVE_NETS)
		banlist_remove_net(r->p, &row->net);
	else
		return banlist_copy_to_nets(r->p, row);
	return 0;
}

static int rehome(struct rehome *r, enum rehome_step step)
{
	r->step = step;
	return banlist_each_client(r->p, rehome_one, r);
}

static bool prefixes_change(const struct pins *p, const struct settings *next)
{
	const struct settings *now = settings_now(p);

	return now->client_len[0] != next->client_len[0] ||
	       now->client_len[1] != next->client_len[1] ||
	       now->n_who != next->n_who ||
	       memcmp(now->who, next->who, sizeof(now->who));
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
	if (moves)
		err = rehome(&r, COPY_TO_NETS);
	if (!err)
		err = settings_publish(p, c);
	/* Whether it worked or not, each ban must be in one map only. */
	if (moves)
		rehome(&r, err ? REMOVE_NETS : REMOVE_CLIENTS);
	free(r.next);
	if (!err)
		err = allowlist_sync_config(p, c);
	return err ? err : allow_names_sync(p, c);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/proxies.h"

#include <errno.h>
#include <stdlib.h>

#include "base/address.h"
#include "sys/netinfo.h"

static bool is_here(const struct net *net, const struct netinfo *info)
{
	struct addr a = net_addr(net);

	if (addr_is_loopback(&a))
		return true;
	for (size_t i = 0; i < info->n_own; i++)
		if (net_equal(&info->own[i], net))
			return true;
	return false;
}

int proxies_are_here(const struct config *c)
{
	char **items = config_items(c, KEY_PROXIES);
	struct netinfo *info = malloc(sizeof(*info));
	int err = items && info ? 0 : -ENOMEM, here = 0;
	struct net net;

	if (!err && items[0])
		err = netinfo_read(info);
	for (size_t i = 0; !err && items[i] && !here; i++)
		here = !net_parse(items[i], &net, NULL, 0) &&
		       is_here(&net, info);
	if (items)
		config_items_free(items);
	free(info);
	return err ? err : here;
}

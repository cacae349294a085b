// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values that user space wants as they are, of a configuration that is valid. */
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "config/config_check.h"

char **config_items(const struct config *c, enum config_key key)
{
	char item[PATH_MAX], why[CONFIG_ERROR_SIZE];
	const char *value = c->value[key];
	char **items = calloc(strlen(value) / 2 + 2, sizeof(*items));
	size_t n = 0;

	while (items && next_item(&value, item, sizeof(item),
				  &(struct why){ why, sizeof(why) }) > 0)
		items[n++] = strdup(item);
	return items;
}

void config_items_free(char **items)
{
	for (size_t i = 0; items && items[i]; i++)
		free(items[i]);
	free(items);
}

bool config_metrics_listen(const struct config *c, struct listen_address *at)
{
	char why[CONFIG_ERROR_SIZE];

	return !parse_listen(c->value[KEY_METRICS_LISTEN], at,
			     &(struct why){ why, sizeof(why) });
}

size_t config_allow(const struct config *c, struct net **nets)
{
	char item[NET_TEXT], why[CONFIG_ERROR_SIZE];
	const char *value = c->value[KEY_ALLOW];
	size_t n = 0;

	*nets = calloc(strlen(value) / 2 + 1, sizeof(**nets));
	while (*nets && next_item(&value, item, sizeof(item),
				  &(struct why){ why, sizeof(why) }) > 0)
		n += !net_parse(item, &(*nets)[n], why, sizeof(why));
	return n;
}

uint32_t config_number(const struct config *c, enum config_key key)
{
	return strtoul(c->value[key], NULL, 10);
}

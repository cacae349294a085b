// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config_lists.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "base/address.h"
#include "base/host_name.h"
#include "groups.h"

int check_interfaces(const char *value, const struct why *why)
{
	char name[IFNAMSIZ];
	int more;

	while ((more = next_item(&value, name, sizeof(name), why)) > 0)
		if (strpbrk(name, "/:\"") || !strcmp(name, ".") ||
		    !strcmp(name, ".."))
			return invalid(why, "'%s' is not an interface's name",
				       name);
	return more;
}

int check_allow(const char *value, const struct why *why)
{
	char item[HOST_NAME_SIZE];
	struct host_name name;
	struct net net;
	int more, names = 0;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0) {
		if (is_host_name_like(item) ?
			    host_name_parse(item, &name, why->text, why->size) :
			    net_parse(item, &net, why->text, why->size))
			return -EINVAL;
		names += is_host_name_like(item);
		if (names > ALLOW_NAMES_MAX)
			return invalid(why, "more than %d names",
				       ALLOW_NAMES_MAX);
	}
	return more;
}

int check_files(const char *value, const struct why *why)
{
	char path[PATH_MAX];
	int more;

	while ((more = next_item(&value, path, sizeof(path), why)) > 0)
		if (*path != '/')
			return invalid(why, "'%.64s' is no absolute path",
				       path);
	return more;
}

int check_lists(const char *value, const struct why *why)
{
	char path[GROUP_NAME_SIZE]; /* map groups has no room for longer ones */
	const char *all = value;
	int more;

	while ((more = next_item(&value, path, sizeof(path), why)) > 0)
		;
	return more ? more : check_files(all, why);
}

int check_proxies(const char *value, const struct why *why)
{
	char item[GROUP_NAME_SIZE];
	struct net net;
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0) {
		if (*item == '/')
			continue;
		if (net_parse(item, &net, why->text, why->size))
			return -EINVAL;
		if (net.len == (net_is_v4(&net) ? ADDR_V4_BITS : 0))
			return invalid(why,
				       "%s is everybody: anybody could name "
				       "anybody",
				       item);
	}
	return more;
}

int check_countries(const char *value, const struct why *why)
{
	char item[8];
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (strlen(item) != 2 || !isalpha(item[0]) || !isalpha(item[1]))
			return invalid(why,
				       "'%s' is not a country's two letters "
				       "(ISO 3166), like DE",
				       item);
	return more;
}

int check_asns(const char *value, const struct why *why)
{
	char item[16];
	uint32_t asn;
	int more;

	while ((more = next_item(&value, item, sizeof(item), why)) > 0)
		if (parse_asn(item, &asn, why))
			return -EINVAL;
	return more;
}

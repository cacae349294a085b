// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/groups_sources.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file_stat.h"

#define GROUP_KEYS 8

static const struct {
	enum config_key key;
	enum group_source_kind kind;
	enum group group;
} group_keys[GROUP_KEYS] = {
	{ KEY_ALLOW_NETS, SOURCE_FILE, GROUP_ALLOW },
	{ KEY_LENIENT_NETS, SOURCE_FILE, GROUP_LENIENT },
	{ KEY_STRICT_NETS, SOURCE_FILE, GROUP_STRICT },
	{ KEY_LENIENT_COUNTRIES, SOURCE_COUNTRY, GROUP_LENIENT },
	{ KEY_STRICT_COUNTRIES, SOURCE_COUNTRY, GROUP_STRICT },
	{ KEY_STRICT_ASNS, SOURCE_ASN, GROUP_STRICT },
	{ KEY_RATED_ASNS, SOURCE_ASN, GROUP_RATED },
	{ KEY_PROXIES, SOURCE_PROXY, GROUP_PROXY },
};

bool config_is_of_groups(enum config_key key)
{
	for (size_t i = 0; i < GROUP_KEYS; i++)
		if (group_keys[i].key == key)
			return true;
	return key == KEY_GEO_DATABASES;
}

/* "de" -> "DE", "AS64496" -> "64496" */
static void name_source(struct group_source *s, const char *item)
{
	if (s->kind == SOURCE_ASN && isalpha(*item))
		item += 2;
	snprintf(s->name, sizeof(s->name), "%s", item);
	for (char *c = s->name; s->kind == SOURCE_COUNTRY && *c; c++)
		*c = toupper(*c);
}

int groups_sources(const struct config *c, struct groups *to)
{
	int err = 0;

	for (size_t k = 0; k < GROUP_KEYS && !err; k++) {
		char **items = config_items(c, group_keys[k].key);

		if (!items)
			return -ENOMEM;
		for (size_t i = 0; items[i] && !err; i++) {
			struct group_source *s = &to->source[to->n];

			if (to->n == GROUP_SOURCES_MAX) {
				err = -E2BIG;
				break;
			}
			s->kind = group_keys[k].kind;
			s->group = group_keys[k].group;
			name_source(s, items[i]);
			to->n++;
		}
		config_items_free(items);
	}
	return err;
}

/* FNV-1a: it tells one state from another, and is no protection. */
static void mix(uint64_t *hash, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		*hash = (*hash ^ b[i]) * 0x100000001b3ULL;
}

static void mix_files(uint64_t *hash, const struct config *c,
		      enum config_key key)
{
	char **paths = config_items(c, key);

	for (size_t i = 0; paths && paths[i]; i++) {
		struct stat st = {};
		/* an item of `proxies` may be a network */
		int missing = *paths[i] == '/' ? file_stat(paths[i], &st) : 0;

		mix(hash, &missing, sizeof(missing));
		mix(hash, &st.st_dev, sizeof(st.st_dev));
		mix(hash, &st.st_ino, sizeof(st.st_ino));
		mix(hash, &st.st_size, sizeof(st.st_size));
		mix(hash, &st.st_mtim, sizeof(st.st_mtim));
	}
	config_items_free(paths);
}

uint64_t groups_fingerprint(const struct config *c)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < GROUP_KEYS; i++) {
		mix(&hash, c->value[group_keys[i].key],
		    strlen(c->value[group_keys[i].key]) + 1);
		if (group_keys[i].kind >= SOURCE_FILE)
			mix_files(&hash, c, group_keys[i].key);
	}
	mix(&hash, c->value[KEY_GEO_DATABASES],
	    strlen(c->value[KEY_GEO_DATABASES]) + 1);
	mix_files(&hash, c, KEY_GEO_DATABASES);
	return hash ? hash : 1;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "lists/groups_sources.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lists/groups_plan.h"

const char *const group_names[GROUPS_MAX] = {
	[GROUP_NONE] = "none",
	[GROUP_STRICT] = "strict",
	[GROUP_LENIENT] = "lenient",
	[GROUP_ALLOW] = "allow",
};

const struct group_key group_keys[GROUP_KEYS] = {
	{ KEY_ALLOW_NETS, SOURCE_FILE, GROUP_ALLOW },
	{ KEY_LENIENT_NETS, SOURCE_FILE, GROUP_LENIENT },
	{ KEY_STRICT_NETS, SOURCE_FILE, GROUP_STRICT },
	{ KEY_LENIENT_COUNTRIES, SOURCE_COUNTRY, GROUP_LENIENT },
	{ KEY_STRICT_COUNTRIES, SOURCE_COUNTRY, GROUP_STRICT },
	{ KEY_STRICT_ASNS, SOURCE_ASN, GROUP_STRICT },
};

const char *group_source_kind_name(uint8_t kind)
{
	return kind == SOURCE_FILE ? "file" :
	       kind == SOURCE_ASN  ? "as" :
				     "country";
}

bool config_is_of_groups(enum config_key key)
{
	for (size_t i = 0; i < GROUP_KEYS; i++)
		if (group_keys[i].key == key)
			return true;
	return key == KEY_GEO_DATABASES;
}

/* FNV-1a, which tells one state from another, and is no more than that. */
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
		int missing = stat(paths[i], &st) ? errno : 0;

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
		if (group_keys[i].kind == SOURCE_FILE)
			mix_files(&hash, c, group_keys[i].key);
	}
	mix(&hash, c->value[KEY_GEO_DATABASES],
	    strlen(c->value[KEY_GEO_DATABASES]) + 1);
	mix_files(&hash, c, KEY_GEO_DATABASES);
	return hash ? hash : 1;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/state_defaults.h"

#include <string.h>

#include "state/store_defaults.h"
#include "tell/journal.h"

struct comparison {
	const struct config *in_force;
	struct config defaults; /* of this version */
	unsigned int known; /* keys of it that the file has, too */
	bool differ;
};

static int compare(const char *name, const char *before, void *ctx)
{
	struct comparison *v = ctx;
	char unknown[256];
	enum config_key key = config_find(name, unknown, sizeof(unknown));
	const char *now;

	if (key == KEYS_MAX)
		return 0; /* another version has it */
	v->known++;
	now = v->defaults.value[key];
	if (!strcmp(before, now))
		return 0;
	v->differ = true;
	if (v->in_force->origin[key] == ORIGIN_DEFAULT)
		journal_note(MESSAGE_DEFAULT_CHANGED,
			     "the default of %s is \"%s\" now, and was \"%s\": "
			     "smtpxdp config set %s '%s' brings it back",
			     name, now, before, name, before);
	return 0;
}

static int put_all(struct store *s, const struct config *defaults)
{
	int err = store_begin(s);

	for (int i = 0; i < KEYS_MAX && !err; i++)
		err = store_put_default(s, config_keys[i].name,
					defaults->value[i]);
	if (!err)
		return store_commit(s);
	store_rollback(s);
	return err;
}

int state_tell_defaults(struct store *s, const struct config *c)
{
	struct comparison v = { .in_force = c };
	int err = config_init(&v.defaults);

	if (!err)
		err = store_each_default(s, compare, &v);
	if (!err && (v.differ || v.known != KEYS_MAX))
		err = put_all(s, &v.defaults);
	config_free(&v.defaults);
	return err;
}

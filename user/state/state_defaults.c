// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state/state_defaults.h"

#include <string.h>

#include "state/store_defaults.h"
#include "tell/journal.h"

/*
 * Keys that came later, and do something though nobody sets them: what sets
 * them to what was before they came.
 */
static const struct {
	enum config_key key;
	const char *before; /* NULL: the value of `ports` */
} late[] = {
	{ KEY_COMPARE_PASSWORDS, "no" },
	{ KEY_IPV6_NET_RATE, "off" },
	{ KEY_DROP_PORTS, NULL },
	{ KEY_ACCOUNT_RATE, "off" },
};

struct comparison {
	const struct config *in_force;
	struct config defaults; /* of this version */
	bool has[KEYS_MAX]; /* the file has this key, too */
	unsigned int known; /* so many */
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
	v->has[key] = true;
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

/* Tells of keys that the version before did not have. */
static void tell_late(const struct comparison *v)
{
	for (size_t i = 0; i < sizeof(late) / sizeof(*late); i++) {
		enum config_key key = late[i].key;
		const char *before = late[i].before;

		if (v->has[key] || v->in_force->origin[key] != ORIGIN_DEFAULT)
			continue;
		if (!before)
			before = v->in_force->value[KEY_PORTS];
		journal_note(MESSAGE_DEFAULT_CHANGED,
			     "the key %s is new, and its default is \"%s\": "
			     "smtpxdp config set %s '%s' makes it as before",
			     config_keys[key].name, v->defaults.value[key],
			     config_keys[key].name, before);
	}
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
	if (!err && v.known) /* else this is the first daemon here */
		tell_late(&v);
	if (!err && (v.differ || v.known != KEYS_MAX))
		err = put_all(s, &v.defaults);
	config_free(&v.defaults);
	return err;
}

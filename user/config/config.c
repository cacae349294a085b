// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/host_name.h"
#include "config/config_change.h"
#include "config/config_compile.h"
#include "daemon.h"

const char *const config_origins[ORIGINS_MAX] = {
	[ORIGIN_DEFAULT] = "default",
	[ORIGIN_FILE] = "file",
	[ORIGIN_RUNTIME] = "runtime",
	[ORIGIN_COMMAND_LINE] = "command line",
};

int config_put(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(c->value[key]);
	c->value[key] = copy;
	c->origin[key] = origin;
	return 0;
}

int config_init(struct config *c)
{
	int err = 0;

	memset(c, 0, sizeof(*c));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = config_put(c, k, config_keys[k].initial, ORIGIN_DEFAULT);
	if (err)
		config_free(c);
	return err;
}

void config_free(struct config *c)
{
	for (int k = 0; k < KEYS_MAX; k++)
		free(c->value[k]);
	memset(c, 0, sizeof(*c));
}

int config_copy(struct config *to, const struct config *from)
{
	int err = 0;

	memset(to, 0, sizeof(*to));
	for (int k = 0; k < KEYS_MAX && !err; k++)
		err = config_put(to, k, from->value[k], from->origin[k]);
	if (err)
		config_free(to);
	return err;
}

/* Checks every value, and whether they agree with each other. */
static int check(const struct config *c, const struct why *why)
{
	char dump[DAEMON_CONFIG_SIZE];
	struct settings s;

	if (config_dump(c, dump, sizeof(dump)))
		return invalid(why,
			       "all values together have more than %zu bytes: "
			       "shorten a list (networks can be allowed by "
			       "smtpxdp allow add, too)",
			       sizeof(dump));
	return settings_parse(c->value, &s, why);
}

int config_replace(struct config *c, struct config *next, const struct why *why)
{
	int err = check(next, why);

	if (err) {
		config_free(next);
		return err;
	}
	config_free(c);
	*c = *next;
	return 0;
}

int config_set(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin, char *err, size_t size)
{
	struct why why = { err, size };
	struct config next;

	if (config_check_value(key, value, &why))
		return -EINVAL;
	if (config_copy(&next, c))
		return no_memory(&why);
	if (config_put(&next, key, value, origin)) {
		config_free(&next);
		return no_memory(&why);
	}
	return config_replace(c, &next, &why);
}

int config_reset(struct config *c, enum config_key key)
{
	return config_set(c, key, config_keys[key].initial, ORIGIN_DEFAULT,
			  NULL, 0);
}

int config_dump(const struct config *c, char *buf, size_t size)
{
	size_t n = 0;

	for (int k = 0; k < KEYS_MAX && n < size; k++)
		n += snprintf(buf + n, size - n, "%d %s = %s\n", c->origin[k],
			      config_keys[k].name, c->value[k]);
	return n < size ? 0 : -E2BIG;
}

/* Takes one line of a dump. Keys of other versions are ignored. */
static int load_line(struct config *c, char *line)
{
	char *name, *value, why[CONFIG_ERROR_SIZE];
	unsigned long origin = strtoul(line, &name, 10);
	enum config_key key;

	value = strstr(name, " = ");
	if (name == line || *name != ' ' || !value || origin >= ORIGINS_MAX)
		return -EBADMSG;
	*value = '\0';
	key = config_find(name + 1, why, sizeof(why));
	return key == KEYS_MAX ? 0 : config_put(c, key, value + 3, origin);
}

int config_load(struct config *c, const char *dump)
{
	char *lines = strdup(dump), *rest = lines, *line;
	struct config next = {};
	int err = lines ? config_copy(&next, c) : -ENOMEM;

	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			err = load_line(&next, line);
	free(lines);
	if (!err)
		return config_replace(c, &next, &(struct why){});
	config_free(&next);
	return err;
}

void config_compile(const struct config *c, unsigned int hz, struct settings *s)
{
	settings_parse(c->value, s, &(struct why){});
	settings_finish(s, hz);
}

/* ---- values that user space wants as they are */

char **config_items(const struct config *c, enum config_key key)
{
	char item[PATH_MAX];
	const char *value = c->value[key];
	char **items = calloc(strlen(value) / 2 + 2, sizeof(*items));
	size_t n = 0;

	while (items &&
	       next_item(&value, item, sizeof(item), &(struct why){}) > 0)
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
	return !parse_listen(c->value[KEY_METRICS_LISTEN], at, &(struct why){});
}

size_t config_allow(const struct config *c, struct net **nets)
{
	char item[HOST_NAME_SIZE];
	const char *value = c->value[KEY_ALLOW];
	size_t n = 0;

	*nets = calloc(strlen(value) / 2 + 1, sizeof(**nets));
	while (*nets &&
	       next_item(&value, item, sizeof(item), &(struct why){}) > 0)
		n += !net_parse(item, &(*nets)[n], NULL, 0);
	return n;
}

size_t config_allow_names(const struct config *c, struct host_name **names)
{
	char item[HOST_NAME_SIZE];
	const char *value = c->value[KEY_ALLOW];
	struct host_name *all = calloc(ALLOW_NAMES_MAX + 1, sizeof(*all));
	size_t n = 0, i;

	while (all && n < ALLOW_NAMES_MAX &&
	       next_item(&value, item, sizeof(item), &(struct why){}) > 0) {
		if (!is_host_name_like(item) ||
		    host_name_parse(item, &all[n], NULL, 0))
			continue;
		for (i = 0; strcmp(all[i].text, all[n].text); i++)
			;
		n += i == n;
	}
	*names = all;
	return n;
}

uint32_t config_number(const struct config *c, enum config_key key)
{
	return strtoul(c->value[key], NULL, 10);
}

enum config_tls config_tls(const struct config *c)
{
	unsigned int word = CONFIG_TLS_OFF;

	parse_word(c->value[KEY_TLS], config_keys[KEY_TLS].words, &word,
		   &(struct why){});
	return word;
}

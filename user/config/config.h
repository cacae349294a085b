/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration: flat "key = value" lines. A struct config holds the text
 * of every value and its origin; config_compile() makes of it what the kernel
 * programs read (struct settings). Pure: config_file.h reads and writes files.
 */
#ifndef SMTPXDP_CONFIG_H
#define SMTPXDP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "allow_name.h"
#include "config/config_keys.h"
#include "config/config_values.h"
#include "settings.h"

enum config_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FILE,
	ORIGIN_RUNTIME, /* config set --runtime */
	ORIGIN_COMMAND_LINE,
	ORIGINS_MAX
};

extern const char *const config_origins[ORIGINS_MAX]; /* "default", ... */

struct config {
	char *value[KEYS_MAX];
	enum config_origin origin[KEYS_MAX];
};

/* Sets all defaults. -ENOMEM. config_free() frees it. */
int config_init(struct config *c);
void config_free(struct config *c);
int config_copy(struct config *to, const struct config *from);

/*
 * Checks a value and takes it. Returns 0, or -EINVAL or -ENOMEM: err then says
 * why and which values are valid, and the old value stays.
 */
int config_set(struct config *c, enum config_key key, const char *value,
	       enum config_origin origin, char *err, size_t size);
int config_reset(struct config *c, enum config_key key);

/*
 * Takes all lines of a file's text. Errors begin with "NAME:LINE: ", and then
 * nothing of c changes. Like config_set(), it also refuses values that
 * contradict each other (a text both counted and ignored).
 */
int config_parse(struct config *c, const char *text, const char *name,
		 enum config_origin origin, char *err, size_t size);

/* Writes every value with its origin as lines of text, and reads them back: map
 * daemon holds this text. */
int config_dump(const struct config *c, char *buf, size_t size);
int config_load(struct config *c, const char *dump);

/*
 * Makes of the values what the programs read; have_ban_nets and have_allow stay
 * 0. `hz` is jiffies per second. A struct config is valid, so this cannot fail.
 */
void config_compile(const struct config *c, unsigned int hz,
		    struct settings *s);

/*
 * The functions below read single values, which config_set() has checked.
 * config_items() returns the items of a list of names, files, countries or
 * ASNs, NULL-terminated.
 */
char **config_items(const struct config *c, enum config_key key);
void config_items_free(char **items);
/* Returns false where metrics are not served. */
bool config_metrics_listen(const struct config *c, struct listen_address *at);
enum config_tls config_tls(const struct config *c);
/* Sets *nets to the networks of allow, to be freed; returns how many. */
size_t config_allow(const struct config *c, struct net **nets);
/* The same of its names; each once. */
size_t config_allow_names(const struct config *c, struct host_name **names);
uint32_t config_number(const struct config *c, enum config_key key);

#endif
